// molrt probe: a model's predictions with keys of its attention dropped.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/conformer_cache.h"
#include "cli/probe_options.h"
#include "cli/probe_table.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/training_table.h"

namespace molrt::cli {
namespace {

std::vector<std::string> names_of(const molrt_model* model,
                                  const char* (*name)(const molrt_model*, int32_t)) {
  std::vector<std::string> names;
  for (int32_t i = 0; const char* each = name(model, i); ++i) names.emplace_back(each);
  return names;
}

class Probing {
 public:
  explicit Probing(const ProbeOptions& options)
      : options_(options), progress_((check_probe_options(options), options.report)) {
    InputTable table(options.input);
    context_ = make_context(options.run.threads, options.conformers, progress_);
    model_ = open_model(context_.get(), options.model, options.open);
    check_model();
    choose_what_is_dropped();
    batch_ = make_batch(context_.get(), options.conformers);
    read(table);
  }

  void run() {
    say_what_runs();
    const auto run = run_options(options_.run, progress_);
    molrt_probe* probe = nullptr;
    const int32_t status =
        molrt_probe_run(context_.get(), model_.get(), batch_.get(), data_.values.data(),
                        data_.targets.size(), &run, &how_, &probe);
    if (status == MOLRT_ERROR_DATA) fail_with_rows(molrt_last_error());
    check(status);
    probe_.reset(probe);
    if (!options_.html.empty()) save_html();
    report();
  }

 private:
  void check_model() const {
    const auto info = model_info(model_.get());
    if (info.head == MOLRT_HEAD_NONE)
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "{}: has no property head to probe; train one with molrt finetune", options_.model);
    const size_t given = options_.targets.size();
    const auto names = names_of(model_.get(), molrt_model_target_name);
    const size_t targets = info.task == MOLRT_TASK_MULTICLASS ? 1 : names.size();
    if (given != targets)
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "--target is given {} time{}, and {} has {} target{}: give the column of {}", given,
           given == 1 ? "" : "s", options_.model, targets, targets == 1 ? "" : "s",
           targets == 1 ? "its measured values" : fmt::format("each: {}", fmt::join(names, ", ")));
  }

  // A column that is named as another of the model's targets is a mistake.
  void check_order() const {
    const auto names = names_of(model_.get(), molrt_model_target_name);
    for (size_t i = 0; i < data_.targets.size() && data_.targets.size() == names.size(); ++i)
      if (const auto found = std::find(names.begin(), names.end(), data_.targets[i]);
          found != names.end() && *found != names[i])
        fail(MOLRT_ERROR_INVALID_ARGUMENT,
             "--target {}: is target {} of {}; give the columns in its order: {}", data_.targets[i],
             found - names.begin() + 1, options_.model, fmt::join(names, ", "));
  }

  void choose_what_is_dropped() {
    layers_ = layer_list(options_, model_info(model_.get()).layers);
    rates_ = rate_list(options_);
    how_.attributions = attribution_flags(options_);
    how_.seed = options_.seed;
    how_.layers = layers_.empty() ? nullptr : layers_.data();
    how_.layer_count = layers_.size();
    how_.rates = rates_.empty() ? nullptr : rates_.data();
    how_.rate_count = rates_.size();
    check(molrt_probe_get_passes(model_.get(), &how_, &passes_));
  }

  void read(InputTable& table) {
    TrainingColumns none({}, table);
    data_ = read_training_table(table,
                                {options_.targets, names_of(model_.get(), molrt_model_column_name)},
                                none, batch_.get());
    check_order();
    check(molrt_batch_set_columns(batch_.get(), addresses(data_.columns).data(),
                                  data_.inputs.data(), data_.smiles.size(), data_.columns.size()));
    progress_.set_rows(data_.smiles.size());
    progress_.begin_window(0, data_.smiles.size(), 0);
    title_ = fmt::format("Attention probe of {}, {}", file_name(options_.model),
                         file_name(options_.input.path));
    how_.title = title_.c_str();
  }

  static std::string file_name(const std::string& path) {
    return path == "-" ? "standard input" : std::filesystem::path(path).filename().string();
  }

  void say_what_runs() {
    progress_.say(fmt::format("{}: {}", options_.model, one_line(model_.get())));
    progress_.say(fmt::format(
        "{}: {} rows; {:.0f} passes of each conformer through the network, where a prediction is "
        "{}",
        options_.input.path, data_.smiles.size(), passes_, model_info(model_.get()).encoders));
  }

  Tally tally() const {
    return tally_of(
        data_, [&](size_t i) { return get_row(batch_.get(), i); },
        [&](size_t i) { return molrt_batch_row_message(batch_.get(), i); });
  }

  // The library may have stopped at a label before it looked at any molecule.
  [[noreturn]] void fail_with_rows(const std::string& reason) {
    const auto seen = [&](size_t i) {
      return get_row(batch_.get(), i).status != MOLRT_ROW_PENDING;
    };
    if (seen(0)) tally().print(progress_, "predicted");
    throw Error(MOLRT_ERROR_DATA, reason);
  }

  void save_html() {
    const auto html = read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_probe_get_html(probe_.get(), buffer, capacity, needed);
    });
    write_whole(options_.html, html);
  }

  void report() {
    const auto text = read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_probe_get_report(probe_.get(), buffer, capacity, needed);
    });
    auto json = nlohmann::ordered_json::parse(text);
    const auto rows = tally();
    rows.print(progress_, "predicted");
    say_conformers(context_.get(), progress_);
    for (const auto& line : probe_table(json)) progress_.say(line);
    if (!options_.html.empty()) progress_.say("wrote " + options_.html);
    if (!options_.report.json) return;
    json["molecules"] = rows.json();
    add_conformers(context_.get(), json);
    json["model"] = options_.model;
    if (!options_.html.empty()) json["html"] = options_.html;
    json["seconds"] = progress_.seconds();
    print_json(json, false);
  }

  const ProbeOptions& options_;
  Progress progress_;
  Context context_;
  Model model_;
  Batch batch_;
  TrainingTable data_;
  std::vector<int32_t> layers_;
  std::vector<double> rates_;
  std::string title_;
  molrt_probe_options how_ = defaults(molrt_probe_options_init);
  double passes_ = 0;
  Probe probe_;
};

}  // namespace

Command probe_command(CLI::App& app) {
  auto options = std::make_shared<ProbeOptions>();
  auto* command = add_probe_command(app, options);
  options->command = command;
  return {command, [options] { Probing(*options).run(); }};
}

}  // namespace molrt::cli
