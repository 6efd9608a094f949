#include "train/classes.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "train/head_training.h"

namespace molrt {
namespace {

constexpr size_t most_bins = 10;

std::vector<double> labels_of(const HeadTrainingData& data, size_t row) {
  const auto count = static_cast<size_t>(data.targets);
  const auto cells = data.values.subspan(row * count, count);
  std::vector<double> labels(cells.begin(), cells.end());
  for (double& label : labels)
    if (std::isnan(label)) label = HUGE_VAL;  // which no label is, and which can be compared
  return labels;
}

}  // namespace

std::vector<size_t> label_classes(const HeadTrainingData& data, const Units& molecules) {
  std::map<std::vector<double>, size_t> known;
  std::vector<size_t> classes;
  for (const auto& rows : molecules)
    classes.push_back(known.try_emplace(labels_of(data, rows.front()), known.size()).first->second);
  return classes;
}

std::vector<size_t> value_classes(const HeadTrainingData& data, const Units& molecules,
                                  size_t least) {
  std::vector<double> values, sorted;
  for (const auto& rows : molecules) values.push_back(labels_of(data, rows.front())[0]);
  std::copy_if(values.begin(), values.end(), std::back_inserter(sorted),
               [](double value) { return std::isfinite(value); });
  std::sort(sorted.begin(), sorted.end());
  const size_t n = sorted.size(), bins = std::clamp<size_t>(n / least, 1, most_bins);
  std::vector<size_t> classes;
  for (const double value : values) {
    const auto below = std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin();
    classes.push_back(std::isfinite(value) ? static_cast<size_t>(below) * bins / n : bins);
  }
  return classes;
}

}  // namespace molrt
