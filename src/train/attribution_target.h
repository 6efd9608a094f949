#pragma once
// What a molecule's outputs are attributed for (attention_plan.h, AttributionTarget), as the
// gradient by the outputs. What is predicted is settled by the first outputs that it sees.
#include "train/attention_plan.h"
#include "train/fold.h"

namespace molrt {

// [rows, outputs]: minus the squared errors' sum whatever the loss; of classes the log of the
// label's probability.
void gold_gradient(Task task, bool softmax, const LossBatch& batch, float* d);
// Of one row what is predicted, for the sum of what is marked: of a softmax 1 at the largest logit;
// else 1, or with `signs` each output's sign, which is 1 at 0.
void mark_predicted(bool softmax, bool signs, std::span<const float> outputs, std::span<float> d);

class OutputTarget {
 public:
  OutputTarget(const Fold& fold, AttributionTarget target) : fold_(fold), target_(target) {}
  // outputs, d [rows, outputs]
  void gradient(std::span<const size_t> rows, std::span<const float> outputs, std::span<float> d);

 private:
  bool softmax() const { return fold_.loss.softmax; }
  void settle(std::span<const float> outputs);
  void of_gold(std::span<const size_t> rows, std::span<const float> outputs, std::span<float> d);
  void of_pseudo(std::span<const float> outputs, std::span<float> d) const;

  const Fold& fold_;
  AttributionTarget target_;
  std::vector<float> predicted_;  // the gradient of what is predicted; 1 or -1 or, of a softmax, 0
};

}  // namespace molrt
