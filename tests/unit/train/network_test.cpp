// A network in training, one batch at a time: gradients of batches of several parts.
#include "train/network.h"

#include <gtest/gtest.h>

#include <cmath>

#include "chem/conformer.h"
#include "features/features.h"
#include "support/small_job.h"
#include "train/task_plan.h"

namespace molrt {
namespace {

using namespace test;

std::vector<Features> make_chains(const Model& base) {
  std::vector<Features> chains;
  for (const size_t length : {24, 26, 27})
    chains.push_back(make_features(make_conformer(std::string(length, 'C'), {}).conformer,
                                   base.dictionary(), base.feature_options()));
  return chains;
}

// Some 1500 tokens, of which a part holds 1024 at most.
class LongBatch : public testing::Test {
 protected:
  void make(const Settings& settings) {
    static const std::vector<Features> chains = make_chains(*base_);
    for (size_t row = 0; row < 18; ++row) {
      list_.push_back(&chains[row % chains.size()]);
      values_.push_back(std::sin(static_cast<double>(row)));
      rows_.push_back(row);
    }
    network_ = read_network_settings(settings);
    data_.rows = rows_.size();
    data_.width = base_->card().architecture.width;
    data_.targets = 1;
    data_.values = values_;
    data_.target_names = {"y"};
    fold_.emplace(make_fold(data_, network_.head, plan_task(data_, network_.head.task, rows_), {},
                            {rows_, {}, {}}));
    trainee_.emplace(*base_, list_, *fold_, network_, team_, frozen_);
  }

  std::vector<float> gradients() {
    std::vector<float> all;
    for (const TrainedTensor& t : trainee_->tensors())
      all.insert(all.end(), t.gradient.begin(), t.gradient.end());
    return all;
  }

  std::shared_ptr<const Model> base_ = small_base();
  TrainingMolecules list_;
  std::vector<double> values_;
  std::vector<size_t> rows_;
  NetworkSettings network_;
  HeadTrainingData data_;
  std::optional<Fold> fold_;
  Team team_{2};
  FrozenLayers frozen_{0};
  std::optional<NetworkTrainee> trainee_;
};

double norm(const std::vector<float>& x) {
  double squares = 0;
  for (const float v : x) squares += double{v} * v;
  return std::sqrt(squares);
}

TEST_F(LongBatch, HasTheGradientThatItIsLearntBy) {
  Settings s = network_settings_of();
  s.set_i64("no_dropout", 1);
  make(s);
  trainee_->learn(rows_, {0, 1, 10}, 0);
  const std::vector<float> learnt = gradients();
  trainee_->gradients(rows_, {}, false, 0, Purpose::fisher);
  EXPECT_EQ(gradients(), learnt);
  EXPECT_GT(norm(learnt), 0);
}

// With f32 weights and sums.
TEST_F(LongBatch, HasNearlyTheGradientInBfloat16) {
  if (!has_bf16()) GTEST_SKIP() << why_not(Precision::bf16);
  Settings s = network_settings_of();
  s.set_i64("no_dropout", 1);
  make(s);
  trainee_->learn(rows_, {0, 1, 10}, 0);
  std::vector<float> difference = gradients();
  const double whole = norm(difference);
  Team rounded(2, Precision::bf16);
  NetworkTrainee trainee(*base_, list_, *fold_, network_, rounded, frozen_);
  trainee.learn(rows_, {0, 1, 10}, 0);
  size_t i = 0;
  for (const TrainedTensor& t : trainee.tensors())
    for (const float g : t.gradient) difference[i++] -= g;
  EXPECT_LT(norm(difference), .05 * whole);
  EXPECT_GT(norm(difference), 1e-4 * whole);
}

TEST_F(LongBatch, AddsUpATargetOfItsRows) {
  Settings s = network_settings_of();
  s.set_i64("no_dropout", 1);
  make(s);
  const auto ones = [](auto, auto, std::span<float> d) { std::fill(d.begin(), d.end(), 1.f); };
  std::vector<float> sum;
  for (const size_t row : rows_) {
    trainee_->gradients({&row, 1}, ones, false, 0, Purpose::fisher);
    const std::vector<float> own = gradients();
    sum.resize(own.size());
    for (size_t i = 0; i < own.size(); ++i) sum[i] += own[i];
  }
  trainee_->gradients(rows_, ones, false, 0, Purpose::fisher);
  std::vector<float> difference = gradients();
  for (size_t i = 0; i < sum.size(); ++i) difference[i] -= sum[i];
  EXPECT_LT(norm(difference), 1e-5 * norm(sum));
}

}  // namespace
}  // namespace molrt
