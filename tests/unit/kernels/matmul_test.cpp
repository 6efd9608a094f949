#include "kernels/matmul.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/parallel.h"
#include "base/philox.h"
#include "base/tensor.h"
#include "kernels/bfloat.h"

namespace molrt {
namespace {

std::vector<float> random_values(size_t count, uint32_t stream) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(random_normal({1, 2}, stream, 0, 0, i));
  return values;
}

double gelu(double x) { return .5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

struct Shape {
  int inputs, outputs;
};

class Matmul : public testing::TestWithParam<Shape> {
 protected:
  const int inputs = GetParam().inputs, outputs = GetParam().outputs;
  const std::vector<float> weight = random_values(size_t(inputs) * outputs, 1);
  const std::vector<float> bias = random_values(outputs, 2);
  Buffer scratch;

  std::vector<float> multiply(const PackedMatrix& matrix, const std::vector<float>& x, size_t rows,
                              std::vector<float> y) {
    run_on_one_thread([&] { matrix.multiply(x.data(), rows, y.data(), scratch); });
    return y;
  }
  static std::vector<Precision> precisions() {
    if (!has_bf16()) return {Precision::f32};
    return {Precision::f32, Precision::split, Precision::bf16};
  }
  void try_places(Precision precision, size_t rows);
};

TEST_P(Matmul, EveryEpilogueMatchesTheDefinition) {
  const size_t rows = 50;
  const auto x = random_values(padded_rows(rows) * inputs, 3);
  const auto before = random_values(padded_rows(rows) * outputs, 4);
  for (Epilogue epilogue : {Epilogue::none, Epilogue::gelu, Epilogue::accumulate}) {
    const PackedMatrix matrix(weight, bias, inputs, outputs, epilogue);
    const auto y = multiply(matrix, x, rows, before);
    for (size_t r = 0; r < rows; ++r)
      for (int o = 0; o < outputs; ++o) {
        double expected = bias[o], size = 1;
        for (int i = 0; i < inputs; ++i) {
          expected += double{x[r * inputs + i]} * weight[size_t(o) * inputs + i];
          size += std::fabs(double{x[r * inputs + i]} * weight[size_t(o) * inputs + i]);
        }
        if (epilogue == Epilogue::gelu) expected = gelu(expected);
        if (epilogue == Epilogue::accumulate) expected += before[r * outputs + o];
        ASSERT_NEAR(y[r * outputs + o], expected, 2e-6 * size) << "row " << r << ", output " << o;
      }
  }
}

// The promise that a molecule's bytes rest on.
TEST_P(Matmul, ARowsBytesDoNotDependOnItsPlaceOrItsNeighbours) {
  for (const Precision precision : precisions()) try_places(precision, 3 * row_tile);
}

// The last rows take low tiles.
TEST_P(Matmul, NorOnHowManyRowsThereAre) {
  for (const Precision precision : precisions())
    for (const Product product : {Product::forward, Product::backward}) {
      const PackedMatrix matrix(weight, bias, inputs, outputs, Epilogue::none, product, precision);
      const size_t in = product == Product::forward ? inputs : outputs;
      const size_t out = product == Product::forward ? outputs : inputs, most = 2 * row_tile;
      const auto x = random_values(most * in, 8);
      const auto all = multiply(matrix, x, most, std::vector<float>(most * out));
      for (const size_t rows : {1, 15, 16, 17, 32, 33, 47, 48, 49, 65, 90}) {
        const auto some = multiply(matrix, x, rows, std::vector<float>(most * out));
        ASSERT_EQ(std::memcmp(some.data(), all.data(), rows * out * sizeof(float)), 0)
            << precision_name(precision) << ' ' << rows;
      }
    }
}

// bf16 keeps 8 bits, two of them 16; sums are f32.
TEST_P(Matmul, EveryPrecisionIsAsExactAsItSays) {
  const size_t rows = 20;
  const auto x = random_values(padded_rows(rows) * inputs, 3);
  for (const Precision precision : precisions()) {
    const PackedMatrix matrix(weight, bias, inputs, outputs, Epilogue::none, Product::forward,
                              precision);
    const auto y = multiply(matrix, x, rows, std::vector<float>(padded_rows(rows) * outputs));
    const double bound = precision == Precision::f32     ? 2e-6
                         : precision == Precision::split ? 2e-5
                                                         : 8e-3;
    double largest = 0;
    for (size_t r = 0; r < rows; ++r)
      for (int o = 0; o < outputs; ++o) {
        double expected = bias[o], size = 1;
        for (int i = 0; i < inputs; ++i) {
          const double term = double{x[r * inputs + i]} * weight[size_t(o) * inputs + i];
          expected += term;
          size += std::fabs(term);
        }
        const double error = std::fabs(y[r * outputs + o] - expected) / size;
        ASSERT_LT(error, bound) << precision_name(precision);
        largest = std::max(largest, error);
      }
    if (precision == Precision::bf16) {
      EXPECT_GT(largest, 1e-5);  // it is what it says
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Matmul,
                         testing::Values(Shape{1, 256}, Shape{128, 8}, Shape{128, 128},
                                         Shape{64, 192}, Shape{72, 216}, Shape{100, 72},
                                         Shape{7, 13}, Shape{1000, 33}, Shape{512, 512},
                                         Shape{1030, 64}, Shape{5, 1}),
                         [](const auto& info) {
                           return std::to_string(info.param.inputs) + "x" +
                                  std::to_string(info.param.outputs);
                         });

void Matmul::try_places(Precision precision, size_t rows) {
  const auto row = random_values(inputs, 5);
  const PackedMatrix matrix(weight, bias, inputs, outputs, Epilogue::gelu, Product::forward,
                            precision);
  std::vector<float> x = random_values(rows * inputs, 6);
  std::vector<float> first;
  for (size_t place = 0; place < rows; ++place) {
    auto crowd = x;
    std::copy(row.begin(), row.end(), crowd.begin() + place * inputs);
    const auto y = multiply(matrix, crowd, rows, std::vector<float>(rows * outputs));
    const std::vector<float> result(y.begin() + place * outputs, y.begin() + (place + 1) * outputs);
    if (place == 0) first = result;
    ASSERT_EQ(std::memcmp(result.data(), first.data(), outputs * sizeof(float)), 0) << place;
  }
}

TEST(WeightGradient, OfRoundedRowsIsThatOfTheirValues) {
  if (!has_bf16()) GTEST_SKIP() << "no bf16 here";
  constexpr int inputs = 40, outputs = 150;
  constexpr size_t rows = 5 * row_tile;
  const auto x = random_values(rows * inputs, 1), d_y = random_values(rows * outputs, 2);
  std::vector<uint16_t> x_halves(x.size()), d_y_halves(d_y.size());
  to_bf16(x.data(), x.size(), x_halves.data());
  to_bf16(d_y.data(), d_y.size(), d_y_halves.data());
  const WeightGradient gradient(inputs, outputs);
  std::vector<float> d_weight(inputs * outputs), d_bias(outputs);
  Buffer scratch;
  run_on_one_thread([&] {
    for (int block = 0; block < gradient.blocks(); ++block)
      gradient.accumulate(block, {x.data(), d_y.data(), rows, x_halves.data(), d_y_halves.data()},
                          d_weight.data(), d_bias.data(), scratch);
  });
  for (int o = 0; o < outputs; ++o)
    for (int i = 0; i < inputs; ++i) {
      double sum = 0;
      for (size_t r = 0; r < rows; ++r)
        sum += double{bf16_to_f32(d_y_halves[r * outputs + o])} *
               bf16_to_f32(x_halves[r * inputs + i]);
      ASSERT_NEAR(d_weight[o * inputs + i], sum, 1e-3);
    }
}

TEST(Bfloat, RoundsToNearestEvenAndKeepsWhatIsNoNumber) {
  std::vector<float> values = random_values(1003, 9);
  values[5] = std::numeric_limits<float>::quiet_NaN();
  values[6] = std::numeric_limits<float>::infinity();
  values[7] = -0.0f;
  std::vector<uint16_t> halves(values.size()), high(values.size()), low(values.size());
  to_bf16(values.data(), values.size(), halves.data());
  split_bf16(values.data(), values.size(), high.data(), low.data());
  EXPECT_TRUE(std::isnan(bf16_to_f32(halves[5])));
  for (size_t i = 0; i < values.size(); ++i) {
    if (i == 5) continue;
    ASSERT_EQ(halves[i], f32_to_bf16(values[i]));
    ASSERT_EQ(high[i], halves[i]);
    if (i == 6) continue;
    const double rest = double{values[i]} - bf16_to_f32(high[i]) - bf16_to_f32(low[i]);
    ASSERT_LE(std::fabs(rest), std::fabs(values[i]) * std::ldexp(1.0, -16));
  }
}

// A signal whose handler runs on another stack than the thread's would write into the heap: a
// kernel of oneDNN's moves the stack pointer there.
struct StackWatch {
  static inline pthread_t thread;
  static inline char *low, *high;
  static inline volatile sig_atomic_t seen = 0, elsewhere = 0;

  static void handle(int) {
    char here;
    if (!pthread_equal(pthread_self(), thread)) return;
    seen = seen + 1;
    elsewhere = elsewhere + !(low <= &here && &here < high);
  }

  StackWatch() {
    thread = pthread_self();
    pthread_attr_t attributes;
    void* stack;
    size_t size;
    pthread_getattr_np(thread, &attributes);
    pthread_attr_getstack(&attributes, &stack, &size);
    pthread_attr_destroy(&attributes);
    low = static_cast<char*>(stack);
    high = low + size;
    struct sigaction action = {};
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, &before);
    every(50);
  }
  ~StackWatch() {
    every(0);
    sigaction(SIGALRM, &before, nullptr);
  }
  static void every(int microseconds) {
    const itimerval timer = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }
  struct sigaction before;
};

TEST(Matmul, ASignalFindsTheThreadsOwnStack) {
  constexpr int inputs = 128, outputs = 128;  // the pair kernel's
  constexpr size_t rows = 8 * row_tile;
  const auto x = random_values(rows * inputs, 1), d_y = random_values(rows * outputs, 2);
  std::vector<float> d_weight(inputs * outputs), d_bias(outputs), y(rows * outputs);
  const WeightGradient gradient(inputs, outputs);
  const PackedMatrix matrix(d_weight, d_bias, inputs, outputs, Epilogue::none, Product::forward);
  Buffer scratch;
  StackWatch watch;
  run_on_one_thread([&] {
    for (int i = 0; i < 200000 && StackWatch::seen < 3000; ++i) {
      gradient.accumulate(0, {x.data(), d_y.data(), rows}, d_weight.data(), d_bias.data(), scratch);
      matrix.multiply(x.data(), rows, y.data(), scratch);
    }
  });
  EXPECT_GT(StackWatch::seen, 100);
  EXPECT_EQ(StackWatch::elsewhere, 0);
}

}  // namespace
}  // namespace molrt
