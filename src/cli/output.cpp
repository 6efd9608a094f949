#include "cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "io/csv.h"
#include "io/npy.h"

namespace molrt::cli {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_stdout() {
  fail(MOLRT_ERROR_IO, "standard output: cannot be written: {}", std::strerror(errno));
}

bool contains_word(const std::string& words, const std::string& word) {
  return (" " + words + " ").find(" " + word + " ") != std::string::npos;
}

std::string free_name(const std::vector<std::string>& taken, const std::string& wanted) {
  auto name = wanted;
  for (int i = 2; std::find(taken.begin(), taken.end(), name) != taken.end(); ++i) {
    name = fmt::format("{}_{}", wanted, i);
  }
  return name;
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

Output::Output(const std::string& path) {
  if (path != "-") file_.emplace(path);
}

void Output::write(const void* data, size_t size) {
  if (file_) {
    file_->write(data, size);
  } else if (std::fwrite(data, 1, size, stdout) != size) {
    fail_stdout();
  }
}

void Output::seek(uint64_t offset) { file_->seek(offset); }

void Output::commit() {
  if (file_) {
    file_->commit();
  } else if (std::fflush(stdout) != 0) {
    fail_stdout();
  }
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
  std::error_code ignored;
  if (!fs::is_fifo(path, ignored)) AtomicFile probe(path);  // gone at once, without a commit
}

ResultTable::ResultTable(Output& output, const std::string& format,
                         const std::vector<std::string>& header,
                         const std::vector<std::string>& added)
    : output_(output), delimiter_(format == "tsv" ? '\t' : ',') {
  auto names = header;
  for (const auto& name : added) names.push_back(free_name(names, name));
  append_csv_record(text_, names, delimiter_);
}

void ResultTable::add(std::vector<std::string> fields, const std::vector<std::string>& added) {
  fields.insert(fields.end(), added.begin(), added.end());
  append_csv_record(text_, fields, delimiter_);
  if (text_.size() > (1 << 16)) flush();
}

void ResultTable::flush() {
  output_.write(text_.data(), text_.size());
  text_.clear();
}

ResultMatrix::ResultMatrix(Output& output, uint64_t columns) : output_(output), columns_(columns) {
  const auto header = npy_header(0, columns_);
  if (output_.can_seek()) output_.write(header.data(), header.size());
}

void ResultMatrix::add(const float* values) {
  ++rows_;
  if (output_.can_seek()) {
    output_.write(values, columns_ * sizeof(float));
  } else {
    held_.insert(held_.end(), values, values + columns_);
  }
}

void ResultMatrix::finish() {
  const auto header = npy_header(rows_, columns_);
  if (output_.can_seek()) output_.seek(0);
  output_.write(header.data(), header.size());
  output_.write(held_.data(), held_.size() * sizeof(float));
}

std::string number_text(float value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

}  // namespace molrt::cli
