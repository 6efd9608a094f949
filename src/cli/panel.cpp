#include "cli/panel.h"

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
                       const OpenOptions& options, InputTable& table)
    : name_(name),
      model_(open_model(context, path, options)),
      targets_(target_names(model_.get())),
      column_names_(column_names(model_.get())),
      labels_(model_.get()),
      scores_(model_info(model_.get()).task == MOLRT_TASK_REGRESSION
                  ? find_measured(table, targets_)
                  : std::vector<TargetScore>{}) {
  if (targets_.empty()) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "{}: has no property head to predict with; train one with molrt finetune, or take molrt "
         "embed for representations",
         path);
  }
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

std::vector<std::string> PanelModel::columns() const {
  const auto prefix = name_.empty() ? "" : name_ + "_";
  std::vector<std::string> names;
  for (size_t i = 0; i < outputs(); ++i) {
    names.push_back(targets_[i] + (name_.empty() ? "_pred" : ""));
    names.push_back(targets_[i] + "_std");
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
  check(molrt_predict(context, model_.get(), window.batch, &run, mean_.data(), std_.data(),
                      mean_.size()));
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
  print_scores(scores_, progress);
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
