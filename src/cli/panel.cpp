#include "cli/panel.h"

#include <fmt/format.h>

#include <algorithm>
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

}  // namespace

PanelModel::PanelModel(molrt_context* context, const std::string& path, const std::string& name,
                       const OpenOptions& options, const InputTable& table)
    : name_(name),
      model_(open_model(context, path, options)),
      targets_(target_names(model_.get())),
      scores_(find_measured(table, targets_)) {
  if (targets_.empty()) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "{}: has no property head to predict with; train one with molrt finetune, or take molrt "
         "embed for representations",
         path);
  }
}

std::vector<std::string> PanelModel::columns() const {
  const auto prefix = name_.empty() ? "" : name_ + "_";
  std::vector<std::string> names;
  for (const auto& target : targets_) {
    names.push_back(prefix + target + (name_.empty() ? "_pred" : ""));
    names.push_back(prefix + target + "_std");
  }
  names.insert(names.end(), {prefix + "status", prefix + "flags"});
  return names;
}

void PanelModel::predict(molrt_context* context, const molrt_run_options& run, const Window& window,
                         const InputTable& table) {
  mean_.resize(window.records.size() * outputs());
  std_.resize(mean_.size());
  check(molrt_predict(context, model_.get(), window.batch, &run, mean_.data(), std_.data(),
                      mean_.size()));
  rows_.clear();
  for (size_t row = 0; row < window.records.size(); ++row) {
    rows_.push_back(get_row(window.batch, row));
  }
  count_rows(window, table, tally_);
  score(window);
}

void PanelModel::score(const Window& window) {
  for (auto& [target, output, column, score] : scores_) {
    for (size_t row = 0; row < window.records.size(); ++row) {
      const auto measured = parse_number(window.records[row].fields[column]);
      if (measured) score.add(*measured, mean(row)[output]);
    }
  }
}

std::vector<std::string> PanelModel::cells(size_t row) const {
  std::vector<std::string> cells;
  for (size_t i = row * outputs(); i < (row + 1) * outputs(); ++i) {
    cells.push_back(number_text(mean_[i]));
    cells.push_back(number_text(std_[i]));
  }
  cells.insert(cells.end(), {row_status(rows_[row]), row_flags(rows_[row])});
  return cells;
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
  for (const auto& path : paths) {
    const auto stem = std::filesystem::path(path).stem().string();
    auto name = stem;
    for (int i = 2; std::find(names.begin(), names.end(), name) != names.end(); ++i) {
      name = fmt::format("{}_{}", stem, i);
    }
    names.push_back(name);
  }
  return names;
}

}  // namespace molrt::cli
