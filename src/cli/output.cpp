#include "cli/output.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "cli/console.h"

namespace molrt::cli {
namespace {

namespace fs = std::filesystem;

bool contains_word(const std::string& words, const std::string& word) {
  return (" " + words + " ").find(" " + word + " ") != std::string::npos;
}

std::string format_of_extension(const std::string& path, const std::string& formats) {
  const auto extension = fs::path(path).extension().string();
  const auto format = extension.empty() ? "csv" : extension.substr(1);
  if (!contains_word(formats, format)) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "{}: the extension '{}' tells no format; take one of {}, or say --format", path, extension,
         formats);
  }
  return format;
}

}  // namespace

Output::Output(const OutputOptions& options, const std::string& format, Progress& progress)
    : path_(options.path), progress_(progress) {
  check_output_is_no_input(*options.command, path_);
  if (path_ != "-") {
    const auto target = find_write_target(path_);
    existed_ = target.exists;
    if (format == "safetensors" || target.in_place) {
      whole_.emplace(path_);
    } else {
      check_output_is_no_input(*options.command, target.path + ".partial");
      check_output_is_no_input(*options.command, target.path + ".partial.json");
      journal_.emplace(target.path + ".partial.json", run_facts(*options.command));
      partial_.emplace(target);
    }
  }
  if (partial_) {
    start(options.resume);
  } else if (options.resume) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "--resume: needs a regular file of csv, tsv, npy or sdf; {} cannot be gone on with",
         path_ == "-" ? "standard output" : path_);
  }
}

void Output::start(bool resume) {
  journal_->remove_leftovers();
  if (!resume) return;
  resumed_ = journal_->read();
  if (resumed_) return this->resume();
  progress_.say(
      fmt::format("notice: {}: there is none; starting from the first row", journal_->path()));
}

void Output::resume() {
  journal_->check_same_run();
  if (!partial_->resume(resumed_->bytes, resumed_->head, resumed_->crc)) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "--resume: {} tells of {} rows in {} bytes, and neither {} nor {} holds them unchanged; "
         "leave out --resume to start over",
         journal_->path(), resumed_->rows, resumed_->bytes, partial_->path(), path_);
  }
  existed_ = existed_ && fs::exists(path_);  // not what was taken back
  last_ = resumed_;
  begun_ = true;
}

void Output::restore(const char* key, const std::function<void(const Json&)>& use) const {
  if (!resumed_) return;
  try {
    use(resumed_->state.at(key));
  } catch (const Json::exception& error) {
    journal_->fail_broken(error);
  }
}

void Output::begin() {
  if (partial_ && !begun_) start_over();
  begun_ = true;
}

void Output::say_what_is_lost(uint64_t rows) {
  const bool in_place = partial_->is_empty();  // a stop has put them there
  if (in_place && !existed_) return;           // they are gone already
  progress_.say(
      fmt::format("warning: {}: the {} rows of a stopped run are {}; --resume would have gone on "
                  "with them",
                  in_place ? path_ : partial_->path(), rows,
                  in_place ? "replaced when this run is done" : "dropped"));
}

void Output::start_over() {
  try {
    if (const auto old = journal_->read()) say_what_is_lost(old->rows);
  } catch (const Error&) {  // a broken one has nothing to lose
  }
  journal_->remove();
  partial_->restart();
}

void Output::write(const void* data, size_t size) {
  begin();
  if (partial_) {
    partial_->write(data, size);
  } else if (whole_) {
    whole_->write(data, size);
  } else {
    write_stdout({static_cast<const char*>(data), size});
  }
}

void Output::set_head(std::string_view head) {
  begin();
  partial_->set_head(head);
  head_ = head;
  if (last_ && last_head_.empty()) last_head_ = head_;  // resumed
}

void Output::checkpoint(uint64_t rows, uint32_t input_crc, const Json& state) {
  if (!partial_) return;
  begin();
  partial_->sync();
  Checkpoint checkpoint{rows,      partial_->bytes(), head_.size(), partial_->crc(),
                        input_crc, partial_->path(),  state};
  journal_->write(checkpoint);
  last_ = std::move(checkpoint);
  last_head_ = head_;
}

void Output::commit() {
  begin();
  if (partial_) {
    partial_->publish();
    journal_->remove();
  } else if (whole_) {
    whole_->commit();
  } else {
    flush_stdout();
  }
}

std::string Output::stop(std::optional<uint64_t> total_rows) {
  if (!partial_) return "interrupted";
  if (!last_) {
    drop_rows();
    return "interrupted before the first rows were finished";
  }
  partial_->cut(last_->bytes);
  partial_->set_head(last_head_);
  auto done = fmt::format("stopped after {}{} rows", last_->rows,
                          total_rows ? fmt::format(" of {}", *total_rows) : "");
  if (existed_) {
    return fmt::format(
        "{}; {} holds them ({} is an older result and stays as it was); --resume "
        "goes on",
        done, partial_->path(), path_);
  }
  last_->place = path_;
  journal_->write(*last_);
  partial_->publish();
  return fmt::format("{}; {} holds them; --resume goes on", done, path_);
}

// Those of a window that was not finished.
void Output::drop_rows() {
  if (begun_) partial_->remove();
}

std::string Output::keep() {
  if (!partial_) return "";
  if (!last_) {
    drop_rows();
    return "";
  }
  return fmt::format("{} keeps the {} rows that were finished; --resume goes on", partial_->path(),
                     last_->rows);
}

std::string output_format(const OutputOptions& options, const std::string& formats) {
  const auto format =
      options.format.empty() ? format_of_extension(options.path, formats) : options.format;
  if (format == "safetensors" && options.path == "-") {
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "safetensors goes to a file: name one with -o");
  }
  return format;
}

void check_model_output(const std::string& path) {
  if (path == "-") fail(MOLRT_ERROR_INVALID_ARGUMENT, "-o -: a model goes to a file; name one");
  check_file_output(path);
}

void check_file_output(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_fifo(path, ignored)) AtomicFile probe(path);  // gone at once, without a commit
}

}  // namespace molrt::cli
