#include "train/held_out.h"

#include <algorithm>
#include <limits>

#include "model/task.h"

namespace molrt {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// Of each row: the sum of its members' scaled outputs.
struct Sums {
  std::vector<double> scaled;       // [rows, outputs]
  std::vector<const Fold*> member;  // one of them, which share their scalers; null: none
  std::vector<int> count;
};

// Over a row's conformers, in their order: what Batch::predict takes the mean of.
std::vector<double> mean_activation(Task task, std::span<const float> logits, size_t conformers) {
  const size_t outputs = logits.size() / conformers;
  std::vector<double> sum(outputs), scaled(outputs);
  for (size_t c = 0; c < conformers; ++c) {
    activate(task, logits.subspan(c * outputs, outputs), scaled.data());
    for (size_t k = 0; k < outputs; ++k) sum[k] = c == 0 ? scaled[k] : sum[k] + scaled[k];
  }
  for (double& value : sum) value /= static_cast<double>(conformers);
  return sum;
}

void add_member(const Fold& member, const FoldFit& fit, Sums& sums) {
  const size_t outputs = member.outputs();
  const std::vector<size_t>& rows = watched_rows(member);
  std::span<const float> next = fit.outputs;
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t conformers = member.data.conformers.count(rows[i]);
    const std::vector<double> scaled =
        mean_activation(member.plan.task, next.first(conformers * outputs), conformers);
    next = next.subspan(conformers * outputs);
    for (size_t k = 0; k < outputs; ++k) sums.scaled[rows[i] * outputs + k] += scaled[k];
    sums.member[rows[i]] = &member;
    ++sums.count[rows[i]];
  }
}

}  // namespace

std::vector<float> member_predictions(std::span<const Fold> members,
                                      std::span<const FoldFit* const> fits) {
  const size_t rows = members[0].data.rows, outputs = members[0].outputs();
  Sums sums{std::vector<double>(rows * outputs), std::vector<const Fold*>(rows),
            std::vector<int>(rows)};
  for (size_t i = 0; i < members.size(); ++i) add_member(members[i], *fits[i], sums);
  std::vector<float> predictions(rows * outputs, nan);
  for (size_t row = 0; row < rows; ++row)
    for (size_t k = 0; sums.member[row] && k < outputs; ++k)
      predictions[row * outputs + k] = static_cast<float>(
          sums.member[row]->scalers[k].inverse(sums.scaled[row * outputs + k] / sums.count[row]));
  return predictions;
}

std::vector<float> held_out_only(std::span<const Fold> members,
                                 const std::vector<float>& predictions) {
  const size_t outputs = members[0].outputs();
  std::vector<float> held_out(predictions.size(), nan);
  for (const Fold& member : members)
    for (const size_t row : member.split.held_out)
      std::copy_n(predictions.data() + row * outputs, outputs, held_out.data() + row * outputs);
  return held_out;
}

}  // namespace molrt
