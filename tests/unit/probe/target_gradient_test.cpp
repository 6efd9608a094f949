// What the probe's attributions go back from: by finite differences, of every task.
#include "probe/target_gradient.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "support/small_job.h"

namespace molrt {
namespace {

using Target = std::function<double(const std::vector<double>& logits)>;

double log_sigmoid(double z) { return -std::log1p(std::exp(-z)); }

double log_softmax(const std::vector<double>& z, size_t label) {
  double sum = 0;
  for (const double each : z) sum += std::exp(each);
  return z[label] - std::log(sum);
}

struct Case {
  Task task;
  int logits, outputs;
  std::vector<double> labels;
  Target gold, abs;
};

Model model_of(const Case& c, HeadKind kind) {
  const auto base = test::small_base();
  ModelCard card = base->card();
  card.task = c.task;
  card.head = kind;
  card.targets = default_target_names(c.outputs);
  card.scalers = {std::vector<TargetScaler>(static_cast<size_t>(c.outputs))};
  if (c.task == Task::regression)
    for (TargetScaler& scaler : card.scalers[0]) scaler.mean = 2, scaler.scale = .5;
  Head head = initialised_head(kind, card.architecture.width, c.logits, 3, 0);
  for (float& w : head.out_weight) w *= 30;
  for (float& w : head.dense_weight) w *= 10;
  return base->with_heads(card, {head});
}

double t_of(const Model& model, const Target& target, const std::vector<float>& cls) {
  std::vector<float> logits(static_cast<size_t>(model.heads()[0].outputs));
  head_forward(model.heads()[0], cls.data(), 1, logits.data());
  return target({logits.begin(), logits.end()});
}

void expect_gradient(const Model& model, ProbeAttribution attribution, const Case& c) {
  const Target& target = attribution == ProbeAttribution::gold ? c.gold : c.abs;
  std::vector<float> cls;
  for (int i = 0; i < model.card().architecture.width; ++i)
    cls.push_back(static_cast<float>(std::sin(1.7 * i)));
  const auto gradient = target_gradient(model, 0, attribution, c.labels, cls.data(), nullptr);
  ASSERT_EQ(gradient.size(), cls.size());
  for (size_t i = 0; i < cls.size(); ++i) {
    constexpr float step = .01f;
    std::vector<float> above = cls, below = cls;
    above[i] += step, below[i] -= step;
    const double slope =
        (t_of(model, target, above) - t_of(model, target, below)) / (double{above[i]} - below[i]);
    EXPECT_NEAR(gradient[i], slope, 2e-3 * (1 + std::abs(slope))) << task_name(c.task) << ' ' << i;
  }
}

double sum(const std::vector<double>& z) { return std::accumulate(z.begin(), z.end(), 0.0); }
double magnitudes(const std::vector<double>& z) {
  double all = 0;
  for (const double each : z) all += std::abs(each);
  return all;
}
double largest(const std::vector<double>& z) { return *std::max_element(z.begin(), z.end()); }

TEST(TargetGradient, IsThatOfEveryTask) {
  const std::vector<Case> cases = {
      {Task::regression,
       3,
       3,
       {2.5, NAN, 1},
       [](const auto& z) { return -std::pow(z[0] - 1, 2) - std::pow(z[2] + 2, 2); },
       sum},
      {Task::binary, 1, 1, {1}, [](const auto& z) { return log_sigmoid(z[0]); }, magnitudes},
      {Task::binary, 2, 1, {0}, [](const auto& z) { return log_softmax(z, 0); }, largest},
      {Task::multiclass, 3, 3, {2}, [](const auto& z) { return log_softmax(z, 2); }, largest},
      {Task::multilabel,
       3,
       3,
       {0, 1, NAN},
       [](const auto& z) { return log_sigmoid(-z[0]) + log_sigmoid(z[1]); },
       magnitudes}};
  for (const Case& c : cases)
    for (const HeadKind kind : {HeadKind::linear, HeadKind::pooled}) {
      const Model model = model_of(c, kind);
      expect_gradient(model, ProbeAttribution::gold, c);
      expect_gradient(model, ProbeAttribution::abs, c);
    }
}

}  // namespace
}  // namespace molrt
