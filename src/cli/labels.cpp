#include "cli/labels.h"

#include <algorithm>
#include <cmath>

#include "cli/session.h"

namespace molrt::cli {
namespace {

constexpr double usual_threshold = .5;

// "colour" of a multiclass model's first output, "colour_0".
std::string without_class(const std::string& name) {
  return name.ends_with("_0") ? name.substr(0, name.size() - 2) : "class";
}

}  // namespace

Labels::Labels(const molrt_model* model) : task_(model_info(model).task) {
  for (int32_t i = 0; i < model_info(model).outputs; ++i) {
    targets_.emplace_back(molrt_model_target_name(model, i));
    double threshold = 0;
    check(molrt_model_get_threshold(model, i, &threshold));
    thresholds_.push_back(std::isnan(threshold) ? usual_threshold : threshold);
  }
}

bool Labels::has_column(size_t index) const {
  if (task_ == MOLRT_TASK_MULTICLASS) return index + 1 == targets_.size();
  return task_ == MOLRT_TASK_BINARY || task_ == MOLRT_TASK_MULTILABEL;
}

void Labels::add_column(size_t index, std::vector<std::string>& names) const {
  if (!has_column(index)) return;
  const bool classes = task_ == MOLRT_TASK_MULTICLASS;
  names.push_back((classes ? without_class(targets_[0]) : targets_[index]) + "_label");
}

void Labels::add_value(size_t index, const float* row, std::vector<std::string>& values) const {
  if (!has_column(index)) return;
  if (std::isnan(row[index])) {
    values.emplace_back();
  } else if (task_ == MOLRT_TASK_MULTICLASS) {
    values.push_back(std::to_string(std::max_element(row, row + targets_.size()) - row));
  } else {
    values.emplace_back(row[index] > thresholds_[index] ? "1" : "0");
  }
}

}  // namespace molrt::cli
