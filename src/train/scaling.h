#pragma once
// Scalings fitted on a fold's training rows: of the representation's columns and of the targets.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "model/head_inputs.h"
#include "model/target_scaler.h"
#include "nn/head.h"
#include "train/target_scaling.h"

namespace molrt {

// z = (x - mean) * factor, column by column.
struct ColumnScaler {
  std::vector<float> mean, factor;             // [width]
  void apply(const float* x, float* z) const;  // one row
};

ColumnScaler identity_columns(int width);
// Factor 1 / population standard deviation; 0 for a column that is constant up to rounding, so that
// rounding errors are not blown up into features.
ColumnScaler fit_columns(std::span<const float> x, int width, std::span<const size_t> rows);

// beside [all rows, inputs.size()], NaN: missing. Of the numbers there are: mean, and 1 /
// population standard deviation; 0 for a constant. DATA error naming a column of the user's without
// any number and `where`.
InputScaler fit_inputs(std::span<const float> beside, const HeadInputs& inputs,
                       std::span<const size_t> rows, const std::string& where);

// A head on scaled representations -> the same function of raw ones; its centre is the columns'
// mean. What stands beside them stays as it is.
Head fold_columns_into(const ColumnScaler& columns, Head head);

// values [all rows, names.size()], own units; NaN: none. Fitted on `rows`. DATA error naming the
// target and `where` if a target has no value there, is constant or cannot be scaled.
std::vector<TargetScaler> fit_targets(std::span<const double> values,
                                      const std::vector<std::string>& names,
                                      std::span<const size_t> rows, TargetScaling scaling,
                                      const std::string& where);

}  // namespace molrt
