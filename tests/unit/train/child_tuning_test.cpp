// ChildTuning-F's checks (regularisers.md 8.1: C1 to C4, C6) on Adam itself.
#include "train/child_tuning.h"

#include <gtest/gtest.h>

#include <cmath>

#include "train/optimiser.h"

namespace molrt {
namespace {

Settings child(const char* stage, double keep) {
  Settings s;
  s.set_text("child.mode", "F");
  s.set_text("child.stage", stage);
  s.set_f64("child.keep_f", keep);
  return s;
}

// One tensor, whose gradient the test writes.
struct Net {
  std::vector<float> value, gradient;
  std::vector<TrainedTensor> tensors;
  Adam adam;
  std::shared_ptr<Methods> methods;
  uint32_t steps = 0;

  Net(size_t size, const Settings& settings, double beta2 = .999)
      : value(size),
        gradient(size),
        tensors{{"w", value, gradient}},
        adam(.9, beta2, 1e-8, tensors),
        methods(make_methods(settings)) {}
  void step(int threads = 1, double rate = 1) {
    adam.step(tensors, rate, threads, {*methods, random_key(7, steps++)});
  }
  const Adam::Moments& moments() { return adam.moments()[0]; }
};

void fill_normal(std::vector<float>& values, uint32_t step, double mean, double deviation) {
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(mean + deviation * random_normal({3, step}, 0, 0, 0, i));
}

class Stages : public testing::TestWithParam<const char*> {};

TEST_P(Stages, KeepingAllIsAdam) {  // C1
  Net plain(1000, Settings()), kept(1000, child(GetParam(), 1));
  for (uint32_t step = 0; step < 5; ++step) {
    for (Net* net : {&plain, &kept}) {
      fill_normal(net->gradient, step, .1, 1);
      net->step();
    }
    EXPECT_EQ(plain.value, kept.value);
  }
}

TEST_P(Stages, ThreadsDoNotMatter) {
  Net one(200000, child(GetParam(), .3)), three(200000, child(GetParam(), .3));
  for (Net* net : {&one, &three}) {
    fill_normal(net->gradient, 0, .1, 1);
    net->step(net == &one ? 1 : 3);
  }
  EXPECT_EQ(one.value, three.value);
}

INSTANTIATE_TEST_SUITE_P(Child, Stages, testing::Values("grad", "update"));

TEST(ChildTuning, KeepsTheCountedElementsAndTheirMean) {  // C2
  constexpr size_t size = 100000;
  for (const double keep : {.1, .3, .5}) {
    Net net(size, child("grad", keep));
    std::fill(net.gradient.begin(), net.gradient.end(), 1.f);
    net.step();
    double kept = 0;
    for (size_t i = 0; i < size; ++i) {
      const bool hit =
          random_u32(random_key(7, 0), tensor_number("w"), 1, random_purpose(Purpose::weight_noise),
                     i) < bernoulli_threshold(keep);
      EXPECT_EQ(net.gradient[i], hit ? static_cast<float>(1 / keep) : 0.f);
      kept += hit;
    }
    EXPECT_NEAR(kept, keep * size, 4 * std::sqrt(keep * (1 - keep) * size));
  }
}

TEST(ChildTuning, WithoutRescaleDividesByNothing) {
  Settings s = child("grad", .5);
  s.set_i64("child.rescale", 0);
  Net net(100, s);
  std::fill(net.gradient.begin(), net.gradient.end(), 1.f);
  net.step();
  for (const float g : net.gradient) EXPECT_TRUE(g == 0 || g == 1);
}

// Adam's mean and variance of an update, of gradients N(1, 1): the root of keep times that without,
// and (1 - beta1) / (1 + beta1) (1 - keep rho), rho = 1/2.
TEST(ChildTuning, MovesAdamAsItsTheorySays) {  // C3
  for (const double keep : {.1, .3, .5}) {
    Net net(400, child("grad", keep));
    double sum = 0, squares = 0;
    constexpr uint32_t all = 4000, first = 2000;
    for (uint32_t step = 0; step < all; ++step) {
      fill_normal(net.gradient, step, 1, 1);
      std::fill(net.value.begin(), net.value.end(), 0.f);
      net.step();
      for (size_t i = 0; step >= first && i < net.value.size(); ++i) {
        sum -= net.value[i];
        squares += double{net.value[i]} * net.value[i];
      }
    }
    const double n = static_cast<double>(all - first) * 400, mean = sum / n;
    EXPECT_NEAR(mean / std::sqrt(.5), std::sqrt(keep), .03 * std::sqrt(keep));
    const double variance = squares / n - mean * mean, expected = .1 / 1.9 * (1 - keep / 2);
    EXPECT_NEAR(variance, expected, .06 * expected);
  }
}

TEST(ChildTuning, ADroppedUpdateStaysAndADroppedGradientMoves) {  // C4, C6
  Net plain(1000, Settings()), update(1000, child("update", .3)), grad(1000, child("grad", .3));
  for (uint32_t step = 0; step < 3; ++step)
    for (Net* net : {&plain, &update, &grad}) {
      fill_normal(net->gradient, step, .1, 1);
      std::fill(net->value.begin(), net->value.end(), 0.f);
      net->step();
    }
  size_t stayed = 0;
  for (size_t i = 0; i < 1000; ++i) {
    stayed += update.value[i] == 0;
    if (update.value[i] != 0) {
      EXPECT_FLOAT_EQ(update.value[i], plain.value[i] * static_cast<float>(1 / .3));
    }
    if (grad.gradient[i] == 0 && grad.moments().mean[i] != 0) {
      EXPECT_NE(grad.value[i], 0);
    }
  }
  EXPECT_NEAR(static_cast<double>(stayed), 700, 60);
  EXPECT_EQ(update.moments().mean, plain.moments().mean);
  EXPECT_EQ(update.moments().square, plain.moments().square);
}

}  // namespace
}  // namespace molrt
