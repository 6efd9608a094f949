#pragma once
// Molecules without labels in training (spec: regularisers.md 6.4): which a step looks at, and what
// they weigh in it.
#include "train/head_step.h"

namespace molrt {

// Rows that a step learns from together.
struct BatchPart {
  std::vector<size_t> rows;
  BatchShare share;
};
// What the objective learns in a step: the labelled rows, unlabelled ones, or both.
std::vector<BatchPart> batch_parts(const Fold& fold, const UnlabelledPlan& plan,
                                   std::span<const size_t> rows, const StepAt& at,
                                   size_t objective);

// `count` of the fold's unlabelled rows: shuffled again and again, each step goes on where the last
// one ended.
std::vector<size_t> unlabelled_batch(const Fold& fold, uint32_t step, size_t count);

// How far the predictions [conformers, outputs] of unlabelled rows spread, by those of labelled
// ones: the least over the outputs. Consistency alone is best served by a constant.
double spread_ratio(const Fold& fold,
                    const std::function<std::vector<float>(std::span<const size_t>)>& predict);

// Of the first epoch behind the ramp in which that is below a half.
std::vector<std::string> collapse_warnings(const Fold& fold, const LoopResult& loop);

// Learning rates of a run's objectives (Trainee::objectives).
std::vector<double> objectives_of(const UnlabelledPlan& plan);

}  // namespace molrt
