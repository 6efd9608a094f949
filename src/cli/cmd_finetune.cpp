// molrt finetune: a head on the representations of given weights, or the whole network.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/conformer_cache.h"
#include "cli/finetune_options.h"
#include "cli/output.h"
#include "cli/run_facts.h"
#include "cli/run_outline.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/training_checkpoint.h"
#include "cli/training_report.h"
#include "cli/training_table.h"

namespace molrt::cli {
namespace {

class Finetuning {
 public:
  explicit Finetuning(const FinetuneOptions& options)
      : options_(options), settings_(options.flags.settings()), progress_(options.report) {
    check_finetune_options(options);
    file_existed_ = std::filesystem::exists(options.output);
    InputTable table(options.input);
    context_ = make_context(options.run.threads, options.conformers, progress_);
    batch_ = make_batch(context_.get(), options.conformers);
    columns_.emplace(options.columns, table);
    data_ = read_training_table(table, {options.targets, options.input_columns}, *columns_,
                                batch_.get());
    check(molrt_batch_set_columns(batch_.get(), addresses(data_.columns).data(),
                                  data_.inputs.data(), data_.smiles.size(), data_.columns.size()));
    progress_.set_rows(data_.smiles.size());
    progress_.begin_window(0, data_.smiles.size(), 0);
    base_ = open_model(context_.get(), options.weights, options.open);
  }

  void run() {
    say_what_runs();
    make_job();
    const TrainingCheckpoint checkpoint(
        {[this](const char* path, int32_t on) {
           return molrt_job_set_checkpoint(job_.get(), path, on);
         },
         [this] { return molrt_job_remove_checkpoint(job_.get()); }},
        options_.output, options_.resume, progress_);
    const auto run = run_options(options_.run, progress_);
    const int32_t status = molrt_job_run(job_.get(), &run);
    if (status == MOLRT_ERROR_DATA) fail_with_rows(molrt_last_error());
    if (status == MOLRT_ERROR_CANCELLED) stop(checkpoint);
    check(status);
    save_or_keep(checkpoint);
    checkpoint.remove();
    report();
  }

 private:
  void say_what_runs() {
    const int threads = options_.run.threads
                            ? options_.run.threads
                            : static_cast<int>(std::thread::hardware_concurrency());
    progress_.say(fmt::format("{}: {}; CPU, {} thread{}", options_.weights, one_line(base_.get()),
                              threads, threads == 1 ? "" : "s"));
    progress_.say(fmt::format("{}: {} rows", options_.input.path, data_.smiles.size()));
    for (const auto& line : data_lines(data_.targets, data_.values)) progress_.say("  " + line);
  }

  void make_job() {
    const auto names = addresses(data_.targets);
    molrt_job* job = nullptr;
    check(molrt_job_create(context_.get(), base_.get(), batch_.get(), data_.values.data(),
                           names.size(), names.data(), settings_.get(), &job));
    job_.reset(job);
    check(molrt_job_set_title(job, title().c_str()));
    columns_->give_to(job);
    for (size_t i = 0; i < options_.units.size(); ++i)
      check(molrt_job_set_unit(job, static_cast<int32_t>(i), options_.units[i].c_str()));
    batch_.reset();  // the job has a copy
    if (!options_.unlabelled.empty()) add_unlabelled();
    for (const auto& line : settings_lines(job_.get())) progress_.say(line);
    if (const auto line = counted_line(job_.get()); !line.empty()) progress_.say(line);
  }

  void add_unlabelled() {
    const Batch others = make_batch(context_.get(), options_.conformers);
    const UnlabelledTable table = read_unlabelled_table(options_, others.get());
    progress_.say(fmt::format("{}: {} molecules without values", options_.unlabelled, table.rows));
    check(molrt_batch_set_columns(others.get(), addresses(table.columns).data(),
                                  table.inputs.data(), table.rows, table.columns.size()));
    check(molrt_job_set_unlabelled(job_.get(), others.get()));
  }

  std::string title() const {
    std::string names;
    for (const auto& target : data_.targets) names += (names.empty() ? "" : ", ") + target;
    const auto file = std::filesystem::path(options_.input.path).filename().string();
    return fmt::format("{} from {}", names, options_.input.path == "-" ? "standard input" : file);
  }

  // Whether the job got as far as to look at them.
  bool has_molecules() const {
    for (size_t i = 0; i < data_.smiles.size(); ++i)
      if (data_.problems[i].empty()) return row_of(i).status != MOLRT_ROW_PENDING;
    return true;
  }

  [[noreturn]] void fail_with_rows(const std::string& reason) {
    if (has_molecules()) tally().print(progress_, "represented");
    throw Error(MOLRT_ERROR_DATA, reason);
  }

  // Leaves the best model so far: where an older one stands, beside it.
  [[noreturn]] void stop(const TrainingCheckpoint& checkpoint) {
    const std::string goes_on = checkpoint.what_resumes();
    molrt_model* trained = nullptr;
    if (molrt_job_get_model(job_.get(), &trained) != MOLRT_OK)
      throw Stopped("interrupted before the first epoch was over" + goes_on);
    molrt_model_free(trained);
    const std::string path = file_existed_ ? options_.output + ".partial" : options_.output;
    save(path);
    throw Stopped(fmt::format("interrupted; {} is the best model so far{}", path, goes_on));
  }

  // A signal comes too late here: what is left takes a moment.
  void save_or_keep(const TrainingCheckpoint& checkpoint) {
    try {
      save(options_.output);
    } catch (const Error& error) {
      throw Error(error.status(), error.what() + checkpoint.what_resumes());
    }
  }

  void save(const std::string& path) {
    molrt_model* trained = nullptr;
    check(molrt_job_get_model(job_.get(), &trained));
    const Model model(trained);
    save_model(context_.get(), model.get(), path, MOLRT_DTYPE_KEEP);
    const auto& split = options_.columns.save_split;
    if (!split.empty()) save_split(job_.get(), data_.smiles.size(), split);
    if (!options_.html.empty()) save_html(path == options_.output);
  }

  // Of a run that was stopped beside an older model: beside its report.
  void save_html(bool whole) {
    const auto html = read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_job_get_html(job_.get(), buffer, capacity, needed);
    });
    write_whole(whole ? options_.html : options_.html + ".partial", html);
  }

  molrt_row row_of(size_t i) const {
    molrt_row row;
    check(molrt_row_init(&row, sizeof row));
    check(molrt_job_get_row(job_.get(), i, &row));
    return row;
  }

  Tally tally() const {
    return tally_of(
        data_, [&](size_t i) { return row_of(i); },
        [&](size_t i) { return molrt_job_row_message(job_.get(), i); });
  }

  void report() {
    const auto text = read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_job_get_report(job_.get(), buffer, capacity, needed);
    });
    auto json = nlohmann::ordered_json::parse(text);
    const auto rows = tally();
    rows.print(progress_, "represented");
    say_conformers(context_.get(), progress_);
    for (const auto& line : training_summary(json)) progress_.say(line);
    progress_.say(fmt::format("wrote {}{}", options_.output,
                              options_.html.empty() ? "" : ", and the report " + options_.html));
    progress_.say(fmt::format("next: molrt predict --model {} MOLECULES.csv -o predicted.csv",
                              options_.output));
    if (!options_.report.json) return;
    json["molecules"] = rows.json();
    add_conformers(context_.get(), json);
    json["model"] = options_.output;
    if (!options_.html.empty()) json["html"] = options_.html;
    json["seconds"] = progress_.seconds();
    print_json(json, false);
  }

  const FinetuneOptions& options_;
  bool file_existed_ = false;
  Settings settings_;
  Progress progress_;
  TrainingTable data_;
  std::optional<TrainingColumns> columns_;
  Context context_;
  Batch batch_;
  Model base_;
  Job job_;
};

}  // namespace

Command finetune_command(CLI::App& app) {
  auto options = std::make_shared<FinetuneOptions>();
  auto* command = add_finetune_command(app, options);
  options->command = command;
  return {command, [options] { Finetuning(*options).run(); }};
}

}  // namespace molrt::cli
