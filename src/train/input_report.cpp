#include "train/input_report.h"

#include <algorithm>
#include <cmath>

namespace molrt {
namespace {

bool is_constant(std::span<const Fold> members, size_t input) {
  return std::any_of(members.begin(), members.end(),
                     [&](const Fold& member) { return member.inputs.factor[input] == 0; });
}

size_t rows_with_missing(const HeadTrainingData& data, std::span<const size_t> rows) {
  const size_t inputs = data.inputs.size();
  return static_cast<size_t>(std::count_if(rows.begin(), rows.end(), [&](size_t row) {
    const auto own = data.beside.subspan(row * inputs, inputs);
    return std::any_of(own.begin(), own.end(), [](float x) { return std::isnan(x); });
  }));
}

}  // namespace

nlohmann::ordered_json input_report(std::span<const Fold> members, std::span<const size_t> rows) {
  const HeadTrainingData& data = members[0].data;
  const std::vector<std::string> names = data.inputs.names();
  const auto bits = static_cast<size_t>(data.inputs.descriptors.morgan_bits);
  std::vector<std::string> constant;
  size_t constant_bits = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!is_constant(members, i)) continue;
    if (i + bits >= names.size())
      ++constant_bits;
    else
      constant.push_back(names[i]);
  }
  return {{"columns", data.inputs.columns},
          {"descriptors", data.inputs.descriptors.names.size()},
          {"morgan_bits", bits},
          {"rows_with_missing", rows_with_missing(data, rows)},
          {"constant", constant},
          {"constant_morgan_bits", constant_bits}};
}

}  // namespace molrt
