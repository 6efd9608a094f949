#include "train/fisher.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"

namespace molrt {
namespace {

// The gradient of -log p of a label that the network itself predicts: for measured values of its
// mean, with variance 1, that of one output; for classes of a label drawn by its probabilities.
class ModelLabels {
 public:
  ModelLabels(const FisherSettings& settings, PhiloxKey key) : s_(settings), key_(key) {}

  void gradient(std::span<const size_t> rows, std::span<const float> outputs, size_t output,
                std::span<float> d) const {
    const size_t width = outputs.size() / rows.size();
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto own = d.subspan(i * width, width);
      std::fill(own.begin(), own.end(), 0.f);
      if (!s_.classes)
        own[output] = 1;
      else if (s_.softmax)
        one_of(rows[i], outputs.subspan(i * width, width), own);
      else
        each(rows[i], outputs.subspan(i * width, width), own);
    }
  }

 private:
  double uniform(size_t row, uint64_t index) const {
    return random_uniform(random_u32(key_, static_cast<uint32_t>(row), site_fisher_label,
                                     random_purpose(Purpose::fisher), index));
  }

  void each(size_t row, std::span<const float> z, std::span<float> d) const {
    for (size_t k = 0; k < z.size(); ++k) {
      const double p = 1 / (1 + std::exp(-double{z[k]}));
      d[k] = static_cast<float>(p - (uniform(row, k) < p ? 1 : 0));
    }
  }

  void one_of(size_t row, std::span<const float> z, std::span<float> d) const {
    const double largest = *std::max_element(z.begin(), z.end());
    double sum = 0;
    for (const float x : z) sum += std::exp(x - largest);
    double left = uniform(row, 0);
    bool drawn = false;
    for (size_t k = 0; k < z.size(); ++k) {
      const double p = std::exp(z[k] - largest) / sum;
      const bool hit = !drawn && (left < p || k + 1 == z.size());
      d[k] = static_cast<float>(p - (hit ? 1 : 0));
      drawn = drawn || hit;
      left -= p;
    }
  }

  const FisherSettings& s_;
  PhiloxKey key_;
};

// One pass over the samples.
class Fisher {
 public:
  Fisher(const EpochStart& start, std::span<const size_t> tensors, const FisherSettings& settings)
      : start_(start), tensors_(tensors), s_(settings) {
    for (const size_t t : tensors) scores_.emplace_back(start.tensors[t].value.size());
  }

  Scores run() {
    const size_t size = s_.of_batches ? start_.batch_size : 1;
    size_t rows = start_.rows.size();
    if (s_.batches > 0) rows = std::min(rows, static_cast<size_t>(s_.batches) * start_.batch_size);
    samples_ = (rows + size - 1) / size;
    for (size_t i = 0; i < samples_; ++i) {
      start_.check_cancelled();
      look_at(start_.rows.subspan(i * size, std::min(size, rows - i * size)),
              static_cast<uint32_t>(i));
    }
    return std::move(scores_);
  }

 private:
  void look_at(std::span<const size_t> rows, uint32_t sample) {
    if (!s_.label_of_model) {
      start_.source.gradients(rows, {}, s_.dropout, sample, Purpose::fisher);
      return add(1);
    }
    const ModelLabels labels(s_, random_key(start_.seed, sample));
    size_t targets = 1;
    for (size_t k = 0; k < targets; ++k) {
      start_.source.gradients(
          rows,
          [&](auto of, auto outputs, auto d) {
            if (!s_.classes) targets = outputs.size() / of.size();
            labels.gradient(of, outputs, k, d);
          },
          s_.dropout, sample, Purpose::fisher);
      add(static_cast<double>(rows.size()));
    }
  }

  // divisor: of the gradients.
  void add(double divisor) {
    parallel_for(start_.threads, tensors_.size(), [&](size_t i, int) {
      const std::span<const float> gradient = start_.tensors[tensors_[i]].gradient;
      const auto factor = static_cast<float>(clip_factor(gradient, divisor) /
                                             (divisor * divisor * static_cast<double>(samples_)));
      for (size_t k = 0; k < gradient.size(); ++k)
        scores_[i][k] += gradient[k] * gradient[k] * factor;
    });
  }

  // Of the square.
  double clip_factor(std::span<const float> gradient, double divisor) const {
    if (s_.clip == 0) return 1;
    double squares = 0;
    for (const float g : gradient) squares += double{g} * g;
    const double factor = std::min(1., s_.clip / (std::sqrt(squares) / divisor + 1e-6));
    return factor * factor;
  }

  const EpochStart& start_;
  std::span<const size_t> tensors_;
  const FisherSettings& s_;
  Scores scores_;
  size_t samples_ = 0;
};

// What is not negative is ordered as its bits are.
uint32_t bits_of(float score) { return std::bit_cast<uint32_t>(score + 0.f); }

// Of the scores whose upper half is `upper` (none: of all), how many have each value of the half
// that is asked for.
template <typename Half>
std::vector<size_t> histogram(const Scores& scores, const Half& half) {
  std::vector<size_t> counts(1 << 16);
  for (const auto& tensor : scores)
    for (const float score : tensor)
      if (const int64_t bin = half(bits_of(score)); bin >= 0) ++counts[static_cast<size_t>(bin)];
  return counts;
}

// The bin in which the count from the top reaches `wanted`; `above` is what lies above it.
uint32_t bin_of(const std::vector<size_t>& counts, size_t wanted, size_t& above) {
  for (size_t bin = counts.size(); bin-- > 0;) {
    if (above + counts[bin] >= wanted) return static_cast<uint32_t>(bin);
    above += counts[bin];
  }
  return 0;
}

}  // namespace

Scores fisher_information(const EpochStart& start, std::span<const size_t> tensors,
                          const FisherSettings& settings) {
  return Fisher(start, tensors, settings).run();
}

// The threshold by two histograms, of the upper and of the lower 16 bits.
std::vector<int64_t> largest_bits(const Scores& scores, double keep) {
  size_t count = 0;
  for (const auto& tensor : scores) {
    if (std::any_of(tensor.begin(), tensor.end(), [](float f) { return std::isnan(f); }))
      fail(MOLRT_ERROR_DATA,
           "the Fisher information is not a number: lower lr, or check the labels");
    count += tensor.size();
  }
  std::vector<int64_t> bits((count + 63) / 64);
  const auto wanted = static_cast<size_t>(std::floor(keep * static_cast<double>(count) + .5));
  if (wanted == 0) return bits;
  size_t above = 0;
  const uint32_t upper =
      bin_of(histogram(scores, [](uint32_t b) { return int64_t{b >> 16}; }), wanted, above);
  const uint32_t lower = bin_of(
      histogram(scores, [&](uint32_t b) { return b >> 16 == upper ? int64_t{b & 0xFFFF} : -1; }),
      wanted, above);
  const uint32_t threshold = upper << 16 | lower;
  size_t ties = wanted - above, i = 0;
  for (const auto& tensor : scores)
    for (const float score : tensor) {
      const uint32_t b = bits_of(score);
      const bool tie = b == threshold && ties > 0;
      ties -= tie;
      if (b > threshold || tie) bits[i / 64] |= static_cast<int64_t>(uint64_t{1} << (i % 64));
      ++i;
    }
  return bits;
}

}  // namespace molrt
