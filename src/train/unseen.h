#pragma once
// Predictions for the rows that a member was not trained on.
#include <functional>
#include <vector>

#include "train/fold.h"

namespace molrt {

class UnseenPredictions {
 public:
  explicit UnseenPredictions(const HeadTrainingData& data);

  // predict(rows): the member's scaled outputs, [rows, targets]. Once for each member, whose fold
  // must outlive this.
  using Predict = std::function<std::vector<float>(const std::vector<size_t>& rows)>;
  void add(const Fold& fold, const Predict& predict);

  // HeadTrainingResult::held_out.
  std::vector<float> take();

 private:
  struct Member {
    const Fold* fold;
    std::vector<float> test;  // scaled
  };

  double mean_of_members(size_t item) const;

  size_t targets_;
  std::vector<float> values_;  // [rows, targets]
  std::vector<Member> members_;
};

}  // namespace molrt
