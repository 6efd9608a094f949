// Attention without dropped keys is attention to logits of -infinity, and A as a matrix is what the
// values were multiplied by: on every target that this machine can run.
#include "kernels/attention_weights.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <vector>

namespace molrt {
namespace {

// Aligned values, drawn at random.
class Values {
 public:
  explicit Values(size_t count, uint32_t stream = 0) : count_(count), data_(buffer_.resize(count)) {
    for (size_t i = 0; i < count; ++i)
      data_[i] = stream ? static_cast<float>(random_normal({1, 2}, stream, 0, 0, i)) : 0.0f;
  }
  float* data() { return data_; }
  float& operator[](size_t i) { return data_[i]; }
  bool operator==(const Values& other) const {
    return std::memcmp(data_, other.data_, count_ * sizeof(float)) == 0;
  }
  size_t size() const { return count_; }

 private:
  Buffer buffer_;
  size_t count_;
  float* data_;
};

// One molecule's way through the attention and back.
struct Molecule {
  AttentionShape shape;
  Values qkv, bias, logits, context, d_context, d_logits, d_qkv;
  Buffer scratch;

  explicit Molecule(const AttentionShape& s)
      : shape(s),
        qkv(size_t(3) * s.tokens * s.width, 1),
        bias(s.pair_size(), 2),
        logits(s.pair_size()),
        context(size_t(s.tokens) * s.width),
        d_context(size_t(s.tokens) * s.width, 3),
        d_logits(s.pair_size()),
        d_qkv(size_t(3) * s.tokens * s.width) {
    for (size_t i = 0; i < bias.size(); ++i)
      if (i % s.pair_stride() >= static_cast<size_t>(s.tokens)) bias[i] = -INFINITY;
  }
  void forward(const AttentionNoise& noise) {
    attention(shape, qkv.data(), bias.data(), logits.data(), noise, context.data(), scratch);
  }
  void backward(const AttentionNoise& noise) {
    for (int head = 0; head < shape.heads; ++head)
      attention_head_backward(shape, head, qkv.data(), logits.data(), noise, d_context.data(),
                              d_logits.data(), d_qkv.data(), scratch);
  }
  bool is_dropped(const std::vector<uint16_t>& mask, size_t i) const {
    const size_t row = i / shape.pair_stride(), key = i % shape.pair_stride();
    return mask[row * shape.mask_stride() + key / 16] >> key % 16 & 1;
  }
};

// About a third of the keys; the first of every row stays.
std::vector<uint16_t> random_mask(const AttentionShape& s) {
  std::vector<uint16_t> mask(s.mask_size());
  for (size_t w = 0; w < mask.size(); ++w) {
    for (int bit = 0; bit < 16; ++bit)
      if (random_u32({4, 4}, 0, 0, 0, 16 * w + bit) % 3 == 0)
        mask[w] = static_cast<uint16_t>(mask[w] | 1u << bit);
    if (w % s.mask_stride() == 0) mask[w] = static_cast<uint16_t>(mask[w] & ~1u);
  }
  return mask;
}

class AttentionWeights : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }

  static void for_shapes(const std::function<void(const AttentionShape&)>& check) {
    for (const int tokens : {1, 5, 16, 17, 33})
      for (const int head_size : {1, 8, 9}) {
        SCOPED_TRACE(testing::Message() << tokens << " tokens, head size " << head_size);
        check({tokens, 3 * head_size, 3});
      }
  }
};

constexpr DropoutStream stream{{1, 2}, 3, 4, 5, .2};

TEST_P(AttentionWeights, OfDroppedKeysAreThoseOfNoKeys) {
  for_shapes([](const AttentionShape& s) {
    const auto mask = random_mask(s);
    for (const DropoutStream* dropout : {static_cast<const DropoutStream*>(nullptr), &stream}) {
      Molecule whole(s), masked(s), absent(s);
      whole.forward({dropout, nullptr});
      masked.forward({dropout, mask.data()});
      EXPECT_EQ(masked.logits, whole.logits);
      for (size_t i = 0; i < absent.bias.size(); ++i)
        if (absent.is_dropped(mask, i)) absent.bias[i] = -INFINITY;
      absent.forward({dropout, nullptr});
      EXPECT_EQ(masked.context, absent.context);
      masked.backward({dropout, mask.data()});
      absent.backward({dropout, nullptr});
      EXPECT_EQ(masked.d_qkv, absent.d_qkv);
      EXPECT_EQ(masked.d_logits, absent.d_logits);
    }
  });
}

// A dropped key far above the others leaves them their exponentials.
TEST_P(AttentionWeights, OfTheOthersDoNotVanishBesideADroppedKey) {
  Molecule run({20, 8, 1});
  std::vector<uint16_t> mask(run.shape.mask_size());
  for (int i = 0; i < 20; ++i) {
    run.bias[i * run.shape.pair_stride() + 18] = 1e4f;
    mask[i * run.shape.mask_stride() + 1] = 1 << 2;
  }
  const AttentionNoise noise{nullptr, mask.data()};
  run.forward(noise);
  Values weights(run.shape.pair_size());
  attention_weights(run.shape, 0, run.logits.data(), noise, weights.data(), run.scratch);
  for (int i = 0; i < 20; ++i) {
    double sum = 0;
    for (int j = 0; j < 20; ++j) sum += weights[i * run.shape.pair_stride() + j];
    EXPECT_NEAR(sum, 1, 1e-6);
    EXPECT_EQ(weights[i * run.shape.pair_stride() + 18], 0);
  }
}

TEST_P(AttentionWeights, MultiplyTheValues) {
  for_shapes([](const AttentionShape& s) {
    const auto mask = random_mask(s);
    const AttentionNoise noise{&stream, mask.data()};
    Molecule run(s);
    run.forward(noise);
    Values weights(s.head_pairs()), product(run.context.size()), sums(run.context.size());
    for (int head = 0; head < s.heads; ++head) {
      attention_weights(s, head, run.logits.data(), noise, weights.data(), run.scratch);
      apply_weights(s, head, run.qkv.data(), weights.data(), .5f, product.data(), run.scratch);
      apply_weights_backward(s, head, weights.data(), .5f, run.d_context.data(), sums.data(),
                             run.scratch);
      // in place, as an encoder holds them
      attention_weights(s, head, run.logits.data(), noise,
                        run.logits.data() + head * s.head_pairs(), run.scratch);
      EXPECT_EQ(std::memcmp(run.logits.data() + head * s.head_pairs(), weights.data(),
                            s.head_pairs() * sizeof(float)),
                0);
    }
    Molecule back(s);
    back.forward(noise);
    back.backward(noise);
    for (int i = 0; i < s.tokens; ++i)
      for (int c = 0; c < s.width; ++c) {
        const size_t at = size_t(i) * s.width + c;
        ASSERT_NEAR(product[at], .5 * run.context[at], 1e-5);
        ASSERT_NEAR(sums[at], .5 * back.d_qkv[3 * size_t(i) * s.width + 2 * s.width + c], 1e-5);
      }
  });
}

TEST_P(AttentionWeights, HaveTheGradientOfTheirProduct) {
  for_shapes([](const AttentionShape& s) {
    Molecule run(s);
    Values gradient(s.head_pairs());
    for (int head = 0; head < s.heads; ++head) {
      attention_weights_gradient(s, head, run.qkv.data(), run.d_context.data(), gradient.data(),
                                 run.scratch);
      for (int i = 0; i < s.tokens; ++i)
        for (size_t j = 0; j < s.pair_stride(); ++j) {
          double dot = 0;
          for (int c = head * s.head_size(); c < (head + 1) * s.head_size(); ++c)
            if (j < static_cast<size_t>(s.tokens))
              dot += double{run.d_context[size_t(i) * s.width + c]} *
                     run.qkv[3 * j * s.width + 2 * s.width + c];
          ASSERT_NEAR(gradient[i * s.pair_stride() + j], dot, 1e-5);
        }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Targets, AttentionWeights,
                         testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& info) { return hwy::TargetName(info.param); });

}  // namespace
}  // namespace molrt
