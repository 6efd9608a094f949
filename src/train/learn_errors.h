#pragma once
// What a run learns of its model's errors from the rows that were held out, each predicted by the
// members that did not see it.
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/task.h"
#include "model/uncertainty.h"
#include "train/fold.h"

namespace molrt {

// MC passes over a fold's held-out rows: predict(sample) -> the head's outputs
// [conformers, outputs], scaled, for sample = 0 ... passes - 1. Their moments become fit.mc;
// nothing without passes or held-out rows. Cancelled, it leaves none, and the fit's loop
// interrupted.
void sample_held_out(const Fold& fold, int passes, const LoopCallbacks& callbacks, FoldFit& fit,
                     const std::function<std::vector<float>(uint32_t sample)>& predict);

struct HeldOutMember {
  std::span<const size_t> rows;
  std::vector<float> deterministic;  // [rows, outputs], own units
  const HeldOutMoments& mc;          // empty without dropout
};

struct LearntErrors {
  Uncertainty uncertainty;  // for the model's card
  // JSON, the key `uncertainty` of the run's report (head_training.h); "" without held-out rows.
  std::string report;
  // Of the held-out rows, [rows, outputs], by a calibration that has not seen them; NaN elsewhere,
  // and where they are too few. The interval is at held_out_level.
  std::vector<float> error, low, high;
};
constexpr double held_out_level = .9;

// Sets the result's `uncertainty`, `error`, `low`, `high` and `errors_report` by its `held_out` and
// the fits' MC moments.
void add_errors(const std::vector<Fold>& members, std::span<const FoldFit* const> fits,
                const Settings& settings, const DropoutRates& rates, HeadTrainingResult& result);

// Probabilities have no error bars: of classes only the mode is chosen, by the squared error.
// predictions [rows, outputs]: the model's own for held-out rows (of several seeds the mean before
// the scaling's inverse); empty: the mean of the members'.
LearntErrors learn_errors(const HeadTrainingData& data, const TaskPlan& plan,
                          const Settings& settings, const DropoutRates& rates,
                          std::span<const HeldOutMember> members,
                          std::span<const float> predictions = {});

}  // namespace molrt
