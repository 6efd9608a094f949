// What dropping gradients or updates does to an optimiser's steps (regularisers.md 8.1, C5 and the
// table; source 003). child_tuning_test.cpp has Adam under gradient drop.
#include <gtest/gtest.h>

#include <cmath>

#include "train/child_tuning.h"
#include "train/optimiser.h"

namespace molrt {
namespace {

constexpr size_t size = 400;

// The one place that says how the methods are made, and in which step they act.
std::shared_ptr<const Methods> methods_of(const char* stage, double keep) {
  Settings s;
  s.set_text("child.mode", "F");
  s.set_text("child.stage", stage);
  s.set_f64("child.keep_f", keep);
  return make_methods(s);
}

// A tensor of zeros that forgets each step, so that its value is the step itself.
struct Net {
  double keep;
  std::vector<float> value, gradient;
  std::vector<TrainedTensor> tensors;
  Adam adam;
  std::shared_ptr<const Methods> methods;

  Net(const char* stage, double rate)
      : keep(rate),
        value(size),
        gradient(size),
        tensors{{"w", value, gradient}},
        adam(.9, .999, 1e-8, tensors),
        methods(methods_of(stage, rate)) {}
  void step(uint32_t number, const std::vector<float>& raw) {
    std::copy(raw.begin(), raw.end(), gradient.begin());
    std::fill(value.begin(), value.end(), 0.f);
    adam.step(tensors, 1, 1, {*methods, random_key(7, number)});
  }
};

struct Moments {
  double sum = 0, squares = 0, n = 0;
  void add(const std::vector<float>& values) {
    for (const double v : values) {
      sum += v;
      squares += v * v;
    }
    n += static_cast<double>(values.size());
  }
  double mean() const { return sum / n; }
  double variance() const { return squares / n - mean() * mean(); }
};

std::vector<float> normals(uint32_t step, double mean) {
  std::vector<float> values(size);
  for (size_t i = 0; i < size; ++i)
    values[i] = static_cast<float>(mean + random_normal({3, step}, 0, 0, 0, i));
  return values;
}

// SGD's step is the gradient that the methods leave: N(mu, 1) becomes mean mu and variance
// 1 + (1 - p) / p (mu^2 + 1).
TEST(UpdateMoments, OfSgdWithDroppedGradients) {  // C5
  for (const double keep : {.1, .3, .5}) {
    Net net("grad", keep);
    Moments sgd;
    for (uint32_t step = 0; step < 2000; ++step) {
      net.step(step, normals(step, 1));
      sgd.add(net.gradient);
    }
    EXPECT_NEAR(sgd.mean(), 1, .03);
    EXPECT_NEAR(sgd.variance() / (1 + (1 - keep) / keep * 2), 1, .06);
  }
}

// Adam's steps on N(1, 1), rho = 1/2: the mean stays sqrt(rho), unlike with dropped gradients, and
// the variance v0 = (1 - beta1) / (1 + beta1) (1 - rho) grows by (1 - p) / p (rho + v0).
TEST(UpdateMoments, OfAdamWithDroppedUpdates) {
  std::vector<std::unique_ptr<Net>> nets;
  for (const double keep : {.1, .3, .5}) nets.push_back(std::make_unique<Net>("update", keep));
  std::vector<Moments> steps(nets.size());
  for (uint32_t step = 0; step < 4000; ++step) {
    const std::vector<float> gradient = normals(step, 1);
    for (size_t k = 0; k < nets.size(); ++k) {
      nets[k]->step(step, gradient);
      if (step >= 2000) steps[k].add(nets[k]->value);
    }
  }
  constexpr double rho = .5, v0 = .1 / 1.9 * (1 - rho);
  for (size_t k = 0; k < nets.size(); ++k) {
    const double keep = nets[k]->keep, expected = v0 + (1 - keep) / keep * (rho + v0);
    EXPECT_NEAR(-steps[k].mean() / std::sqrt(rho), 1, .03);
    EXPECT_NEAR(steps[k].variance() / expected, 1, .06);
  }
}

}  // namespace
}  // namespace molrt
