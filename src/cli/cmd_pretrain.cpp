// molrt pretrain: an encoder from molecules' geometries, without measured values.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/conformer_cache.h"
#include "cli/input.h"
#include "cli/pretrain_options.h"
#include "cli/run_facts.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/tally.h"
#include "cli/training_checkpoint.h"
#include "io/npz.h"

namespace molrt::cli {
namespace {

constexpr size_t window = 1024;  // rows whose conformers are made at a time

bool is_archive(const std::string& path) { return path.ends_with(".npz"); }

class Pretrain {
 public:
  explicit Pretrain(const PretrainOptions& options)
      : options_(options),
        settings_(options.flags.settings()),
        progress_((check_pretrain_options(options), options.report)),
        context_(make_context(options.run.threads, options.conformers, progress_)),
        start_(first_model(context_.get(), options, settings_.get())) {
    file_existed_ = std::filesystem::exists(options.output);
    const auto names = addresses(options.targets);
    molrt_pretraining* created = nullptr;
    check(molrt_pretraining_create(context_.get(), start_.get(), settings_.get(), names.data(),
                                   names.size(), &created));
    run_.reset(created);
    known_.assign(options.targets.size(), 0);
  }

  void run() {
    progress_.say(one_line(start_.get()));
    for (const std::string& path : options_.excluded) exclude(path);
    for (const std::string& path : options_.inputs) add(path);
    check_targets();
    const TrainingCheckpoint checkpoint(
        {[this](const char* path, int32_t on) {
           return molrt_pretraining_set_checkpoint(run_.get(), path, on);
         },
         [this] { return molrt_pretraining_remove_checkpoint(run_.get()); }},
        options_.output, options_.resume, progress_);
    const auto how = run_options(options_.run, progress_);
    const int32_t status = molrt_pretraining_run(run_.get(), &how);
    if (status == MOLRT_ERROR_CANCELLED) stop(checkpoint);
    check(status);
    save(options_.output);
    checkpoint.remove();
    report();
  }

 private:
  InputOptions input(const std::string& path) const {
    InputOptions input = options_.input;
    input.path = path;
    return input;
  }

  void exclude(const std::string& path) {
    InputTable table(input(path));
    const Batch one = make_batch(context_.get(), options_.conformers);
    size_t count = 0, unreadable = 0;
    for (Record record; table.next(record); check_signals()) {
      check(molrt_batch_clear(one.get()));
      table.add_to(one.get(), record);
      const std::string smiles = row_smiles(one.get(), 0);
      if (smiles.empty() || molrt_pretraining_exclude(run_.get(), smiles.c_str()) != MOLRT_OK) {
        if (unreadable++ == 0)
          progress_.say(
              fmt::format("{}: row {} cannot be read, and excludes nothing", path, record.row));
        continue;
      }
      ++count;
    }
    if (count == 0) fail(MOLRT_ERROR_DATA, "{}: no row names a molecule to exclude", path);
    progress_.say(fmt::format("{}: {} rows of molecules that stay out{}", path, count,
                              unreadable ? fmt::format("; {} unreadable", unreadable) : ""));
  }

  void add(const std::string& path) {
    progress_.say(fmt::format("reading {}", path));
    added_ = defaults(molrt_added_init);
    if (is_archive(path)) {
      auto added = defaults(molrt_added_init);
      const auto how = run_options(options_.run, progress_);
      check(molrt_pretraining_add_archive(run_.get(), path.c_str(), &how, &added));
      count(added);
      count_targets(npz_names(path));
    } else {
      add_table(path);
    }
    progress_.say(fmt::format("{}: {} molecules{}{}", path, added_.used,
                              some(added_.excluded, "excluded"),
                              some(added_.unusable, "without a usable geometry")));
  }

  static std::string some(uint64_t count, const char* what) {
    return count == 0 ? "" : fmt::format(", {} {}", count, what);
  }

  void count(const molrt_added& added) {
    added_.used += added.used;
    added_.excluded += added.excluded;
    added_.unusable += added.unusable;
  }

  void count_targets(const std::vector<std::string>& names) {
    for (size_t t = 0; t < known_.size(); ++t)
      if (std::find(names.begin(), names.end(), options_.targets[t]) != names.end()) ++known_[t];
  }

  void add_table(const std::string& path) {
    InputTable table(input(path));
    std::vector<std::optional<size_t>> columns;
    for (size_t t = 0; t < options_.targets.size(); ++t) {
      const auto named = table.columns_named(options_.targets[t]);
      columns.push_back(named.empty() ? std::nullopt
                                      : std::optional(table.column(options_.targets[t])));
      if (columns.back()) {
        table.require_numbers(*columns.back());
        ++known_[t];
      }
    }
    progress_.set_rows(table.rows());
    const Batch batch = make_batch(context_.get(), options_.conformers);
    std::vector<float> labels;
    for (Record record; table.next(record); check_signals()) {
      table.add_to(batch.get(), record);
      for (const auto& column : columns)
        labels.push_back(column && record.problem.empty()
                             ? static_cast<float>(*table.number(record, *column))
                             : NAN);
      if (molrt_batch_size(batch.get()) == window) add_window(batch.get(), labels);
    }
    add_window(batch.get(), labels);
  }

  void add_window(molrt_batch* batch, std::vector<float>& labels) {
    const size_t rows = molrt_batch_size(batch);
    progress_.begin_window(rows_, rows, failed_);
    const auto how = run_options(options_.run, progress_);
    check(molrt_batch_compute_conformers(context_.get(), batch, &how));
    auto added = defaults(molrt_added_init);
    check(molrt_pretraining_add_batch(run_.get(), batch, labels.data(), labels.size(), &added));
    failed_ += added.unusable;
    rows_ += rows;
    count(added);
    labels.clear();
    check(molrt_batch_clear(batch));
  }

  // A name that no source has is a mistake.
  void check_targets() const {
    for (size_t t = 0; t < known_.size(); ++t)
      if (known_[t] == 0)
        fail(MOLRT_ERROR_INVALID_ARGUMENT,
             "--target {}: no input has a column or an array of this name", options_.targets[t]);
  }

  // Leaves the model so far: where an older one stands, beside it.
  [[noreturn]] void stop(const TrainingCheckpoint& checkpoint) {
    const std::string path = file_existed_ ? options_.output + ".partial" : options_.output;
    save(path);
    throw Stopped(
        fmt::format("interrupted; {} is the model so far{}", path, checkpoint.what_resumes()));
  }

  void save(const std::string& path) {
    molrt_model* trained = nullptr;
    check(molrt_pretraining_get_model(run_.get(), &trained));
    const Model model(trained);
    save_model(context_.get(), model.get(), path, dtypes.at(options_.dtype));
    if (options_.html.empty()) return;
    const auto html = read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_pretraining_get_html(run_.get(), buffer, capacity, needed);
    });
    write_whole(path == options_.output ? options_.html : options_.html + ".partial", html);
  }

  void report() {
    const auto text = read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_pretraining_get_report(run_.get(), buffer, capacity, needed);
    });
    auto json = nlohmann::ordered_json::parse(text);
    for (const auto& line : curve_end(json)) progress_.say(line);
    progress_.say(fmt::format("wrote {}{}", options_.output,
                              options_.html.empty() ? "" : ", and the curves " + options_.html));
    progress_.say(
        fmt::format("next: molrt finetune --weights {} train.csv --target COLUMN -o model.molrt",
                    options_.output));
    if (!options_.report.json) return;
    json["model"] = options_.output;
    if (!options_.html.empty()) json["html"] = options_.html;
    json["elapsed_seconds"] = progress_.seconds();
    print_json(json, false);
  }

  const PretrainOptions& options_;
  bool file_existed_ = false;
  Settings settings_;
  Progress progress_;
  Context context_;
  Model start_;
  Pretraining run_;
  std::vector<size_t> known_;  // [targets]: inputs that have it
  molrt_added added_{};        // of the input that is read
  uint64_t rows_ = 0, failed_ = 0;
};

}  // namespace

Command pretrain_command(CLI::App& app) {
  auto options = std::make_shared<PretrainOptions>();
  auto* command = add_pretrain_command(app, options);
  options->command = command;
  return {command, [options] { Pretrain(*options).run(); }};
}

}  // namespace molrt::cli
