#include "cli/panel.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"

namespace molrt::cli {
namespace {

std::vector<std::string> target_names(const molrt_model* model) {
  std::vector<std::string> names;
  for (int32_t i = 0; i < model_info(model).outputs; ++i) {
    names.emplace_back(molrt_model_target_name(model, i));
  }
  return names;
}

std::vector<std::string> column_names(const molrt_model* model) {
  std::vector<std::string> names;
  for (int32_t i = 0; const char* name = molrt_model_column_name(model, i); ++i) {
    names.emplace_back(name);
  }
  return names;
}

int32_t chosen_mode(const UncertainOptions& options, const molrt_model_info& info) {
  if (options.mode == "auto") return info.mode;
  return options.mode == "mc" ? MOLRT_MODE_MC : MOLRT_MODE_DETERMINISTIC;
}

// "esol" of "runs/esol.molrt" and of the directory "runs/esol/", whose name may have a dot.
std::string stem_of(const std::string& path) {
  std::error_code not_there;
  const bool directory = std::filesystem::is_directory(path, not_there);
  auto whole = std::filesystem::absolute(path).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  return (directory ? whole.filename() : whole.stem()).string();
}

}  // namespace

PanelModel::PanelModel(molrt_context* context, const std::string& path, const std::string& name,
                       const OpenOptions& options, const UncertainOptions& uncertain,
                       InputTable& table)
    : name_(name),
      model_(open_model(context, path, options)),
      targets_(target_names(model_.get())),
      column_names_(column_names(model_.get())),
      labels_(model_.get()),
      scores_(model_info(model_.get()).task == MOLRT_TASK_REGRESSION
                  ? find_measured(table, targets_)
                  : std::vector<TargetScore>{}),
      uncertain_(uncertain),
      mode_(chosen_mode(uncertain, model_info(model_.get()))) {
  if (targets_.empty()) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "{}: has no property head to predict with; train one with molrt finetune, or take molrt "
         "embed for representations",
         path);
  }
  find_columns(path, table);
  check_mode(path);
  choose_columns(uncertain.details);
}

void PanelModel::find_columns(const std::string& path, InputTable& table) {
  for (const auto& column : column_names_) {
    if (table.columns_named(column).empty()) {
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "{}: reads the column '{}' beside the molecules, and {} has none of that name", path,
           column, table.name());
    }
    columns_.push_back(table.column(column));
    table.require_numbers(columns_.back());
  }
}

void PanelModel::check_mode(const std::string& path) const {
  if (mode_ == MOLRT_MODE_MC && model_info(model_.get()).mc_samples == 0) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "--predict mc: {} was trained without dropout, or not by molrt: all passes would be equal "
         "and their standard deviation 0",
         path);
  }
  if (uncertain_.samples > 0 && mode_ != MOLRT_MODE_MC) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "--mc-T has no effect: {} predicts without dropout; say --predict mc", path);
  }
}

std::vector<const PanelModel::Column*> PanelModel::columns_of_errors() const {
  return {&error_, &low_, &high_, &spread_, &deterministic_, &gap_, &entropy_, &information_};
}

// Only those that this model and mode fill.
void PanelModel::choose_columns(bool details) {
  const auto info = model_info(model_.get());
  const bool mc = mode_ == MOLRT_MODE_MC;
  for (auto* column : {&error_, &low_, &high_})
    column->shown = info.calibration != MOLRT_CALIBRATION_NONE;
  spread_.shown = details && (mc || info.folds > 1);
  for (auto* column : {&deterministic_, &gap_}) column->shown = details && mc;
  for (auto* column : {&entropy_, &information_})
    column->shown = details && info.task != MOLRT_TASK_REGRESSION;
}

std::vector<std::string> PanelModel::columns() const {
  const auto prefix = name_.empty() ? "" : name_ + "_";
  std::vector<std::string> names;
  for (size_t i = 0; i < outputs(); ++i) {
    names.push_back(targets_[i] + (name_.empty() ? "_pred" : ""));
    names.push_back(targets_[i] + "_std");
    for (const auto* column : columns_of_errors())
      if (column->shown) names.push_back(targets_[i] + column->suffix);
    labels_.add_column(i, names);
  }
  names.insert(names.end(), {"status", "flags"});
  for (auto& name : names) name = prefix + name;
  return names;
}

void PanelModel::predict(molrt_context* context, const molrt_run_options& run, const Window& window,
                         const InputTable& table) {
  set_columns(window, table);
  mean_.resize(window.records.size() * outputs());
  std_.resize(mean_.size());
  for (auto* column :
       {&error_, &low_, &high_, &spread_, &deterministic_, &gap_, &entropy_, &information_})
    column->values.resize(mean_.size());
  auto how = defaults(molrt_uncertain_options_init);
  how.mode = mode_;
  how.samples = uncertain_.samples;
  how.level = uncertain_.level;
  auto result = defaults(molrt_uncertain_result_init);
  result.value = mean_.data();
  result.std = std_.data();
  result.error = error_.values.data();
  result.low = low_.values.data();
  result.high = high_.values.data();
  result.spread = spread_.values.data();
  result.gap = gap_.values.data();
  result.deterministic = deterministic_.values.data();
  result.entropy = entropy_.values.data();
  result.mutual_information = information_.values.data();
  check(molrt_predict_uncertain(context, model_.get(), window.batch, &run, &how, &result,
                                mean_.size()));
  note_missing_intervals();
  status_.clear();
  flags_.clear();
  for (size_t row = 0; row < window.records.size(); ++row) {
    status_.push_back(window.status(row));
    flags_.push_back(window.flags(row));
  }
  count_rows(window, table, tally_);
  score(window, table);
}

void PanelModel::set_columns(const Window& window, const InputTable& table) const {
  std::vector<const char*> names;
  for (const auto& name : column_names_) names.push_back(name.c_str());
  std::vector<double> values;
  for (const auto& record : window.records) {
    for (const size_t column : columns_) {
      values.push_back(record.problem.empty() ? *table.number(record, column) : std::nan(""));
    }
  }
  check(molrt_batch_set_columns(window.batch, names.data(), values.data(), window.records.size(),
                                names.size()));
}

void PanelModel::score(const Window& window, const InputTable& table) {
  for (auto& [target, output, column, score] : scores_) {
    for (size_t row = 0; row < window.records.size(); ++row) {
      const auto measured = table.number(window.records[row], column);
      if (measured) score.add(*measured, mean(row)[output]);
    }
  }
}

std::vector<std::string> PanelModel::cells(const ResultTable& results, size_t row) const {
  std::vector<std::string> cells;
  for (size_t i = 0; i < outputs(); ++i) {
    cells.push_back(results.number(mean(row)[i]));
    cells.push_back(results.number(std_[row * outputs() + i]));
    for (const auto* column : columns_of_errors())
      if (column->shown) cells.push_back(results.number(column->values[row * outputs() + i]));
    labels_.add_value(i, mean(row), cells);
  }
  cells.insert(cells.end(), {status_[row], flags_[row]});
  return cells;
}

Json PanelModel::state() const {
  auto scores = Json::array();
  for (const auto& score : scores_) scores.push_back(score.score.state());
  return {{"tally", tally_.state()}, {"scores", scores}};
}

void PanelModel::restore(const Json& state) {
  tally_.restore(state.at("tally"));
  for (size_t i = 0; i < scores_.size(); ++i) scores_[i].score.restore(state.at("scores").at(i));
}

void PanelModel::print(Progress& progress) const {
  if (!name_.empty()) progress.say(name_ + ":");
  tally_.print(progress, "predicted");
  say_errors(progress);
  print_scores(scores_, progress);
}

// What the columns mean, of each target.
void PanelModel::say_errors(Progress& progress) const {
  for (size_t i = 0; i < outputs(); ++i) {
    const std::string unit = molrt_model_target_unit(model_.get(), static_cast<int32_t>(i));
    std::string line = unit.empty() ? "" : fmt::format(" in {}", unit);
    if (mode_ == MOLRT_MODE_MC) line += fmt::format("; mean of {} passes with dropout", samples());
    if (error_.shown) {
      line += fmt::format("; error bars are one standard deviation, intervals are at {:g} %",
                          100 * uncertain_.level);
    }
    if (!line.empty()) progress.say(fmt::format("  '{}'{}", targets_[i], line));
  }
  if (intervals_missing_) {
    progress.say(fmt::format(
        "  notice: too few values were held out in training for intervals at {:g} %; a smaller "
        "--level, or cross-validation (finetune --folds 5), gives some",
        100 * uncertain_.level));
  }
}

void PanelModel::note_missing_intervals() {
  for (size_t i = 0; i < mean_.size(); ++i)
    intervals_missing_ |= std::isfinite(error_.values[i]) && std::isnan(low_.values[i]);
}

int PanelModel::samples() const {
  return uncertain_.samples > 0 ? uncertain_.samples : model_info(model_.get()).mc_samples;
}

nlohmann::ordered_json PanelModel::json() const {
  auto json = tally_.json();
  json["metrics"] = scores_json(scores_);
  return json;
}

std::vector<std::string> panel_names(const std::vector<std::string>& paths) {
  if (paths.size() == 1) return {""};
  std::vector<std::string> names;
  for (const auto& path : paths) names.push_back(free_name(names, stem_of(path)));
  return names;
}

}  // namespace molrt::cli
