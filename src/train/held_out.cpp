#include "train/held_out.h"

#include <algorithm>
#include <limits>

#include "train/evaluation.h"

namespace molrt {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// The mean over members of rows' predictions, by Model::finish()'s rule: in scaled units where the
// members share their scaler, else in the target's own.
class Means {
 public:
  Means(size_t rows, size_t outputs)
      : outputs_(outputs),
        scaled_(rows * outputs),
        values_(rows * outputs),
        same_(rows * outputs, true),
        first_(rows),
        count_(rows) {}

  // outputs: of the member, [conformers of the rows, outputs], and more that is not read.
  void add(const Fold& member, std::span<const size_t> rows, std::span<const float> outputs) {
    for (const size_t row : rows) {
      const size_t own = member.data.conformers.count(row) * outputs_;
      const std::vector<double> scaled = mean_activation(member, outputs.first(own));
      outputs = outputs.subspan(own);
      if (!first_[row]) first_[row] = &member;
      for (size_t k = 0; k < outputs_; ++k) add_value(member, row, k, scaled[k]);
      ++count_[row];
    }
  }

  void write(std::vector<float>& predictions) const {
    for (size_t row = 0; row < first_.size(); ++row)
      for (size_t k = 0; first_[row] && k < outputs_; ++k)
        predictions[row * outputs_ + k] = static_cast<float>(mean(row, k));
  }

 private:
  void add_value(const Fold& member, size_t row, size_t k, double scaled) {
    const size_t item = row * outputs_ + k;
    scaled_[item] += scaled;
    values_[item] += member.scalers[k].inverse(scaled);
    same_[item] = same_[item] && member.scalers[k] == first_[row]->scalers[k];
  }
  double mean(size_t row, size_t k) const {
    const size_t item = row * outputs_ + k;
    return same_[item] ? first_[row]->scalers[k].inverse(scaled_[item] / count_[row])
                       : values_[item] / count_[row];
  }

  size_t outputs_;
  std::vector<double> scaled_, values_;
  std::vector<bool> same_;
  std::vector<const Fold*> first_;  // [rows]; null: none
  std::vector<int> count_;
};

// They stand behind those of the watched rows.
std::span<const float> outputs_of_test(const Fold& member, std::span<const float> outputs) {
  size_t conformers = 0;
  for (const size_t row : watched_rows(member)) conformers += member.data.conformers.count(row);
  return outputs.subspan(conformers * member.outputs());
}

}  // namespace

std::vector<float> member_predictions(std::span<const Fold> members,
                                      std::span<const FoldFit* const> fits) {
  const size_t rows = members[0].data.rows, outputs = members[0].outputs();
  Means means(rows, outputs);
  for (size_t i = 0; i < members.size(); ++i)
    means.add(members[i], watched_rows(members[i]), fits[i]->outputs);
  std::vector<float> predictions(rows * outputs, nan);
  means.write(predictions);
  return predictions;
}

void put_test_predictions(std::span<const Fold> members, std::span<const FoldFit* const> fits,
                          std::vector<float>& predictions) {
  const size_t outputs = members[0].outputs();
  Means means(members[0].data.rows, outputs);
  for (size_t i = 0; i < members.size(); ++i)
    means.add(members[i], members[i].split.test, outputs_of_test(members[i], fits[i]->outputs));
  means.write(predictions);
}

std::vector<float> unseen_only(std::span<const Fold> members,
                               const std::vector<float>& predictions) {
  const size_t outputs = members[0].outputs();
  std::vector<float> unseen(predictions.size(), nan);
  for (const Fold& member : members)
    for (const auto* rows : {&member.split.held_out, &member.split.test})
      for (const size_t row : *rows)
        std::copy_n(predictions.data() + row * outputs, outputs, unseen.data() + row * outputs);
  return unseen;
}

}  // namespace molrt
