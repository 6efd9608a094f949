#include "model/mc.h"

#include <zlib.h>

#include <cmath>

#include "model/folds.h"

namespace molrt {
namespace {

constexpr uint32_t mc_step = 0xFFFFFFFF;

template <typename T>
uint32_t crc_of(uint32_t crc, const std::vector<T>& values) {
  return static_cast<uint32_t>(
      crc32_z(crc, reinterpret_cast<const Bytef*>(values.data()), values.size() * sizeof(T)));
}

class RunningMoments {
 public:
  void add(double x) {
    const double distance = x - mean_;
    mean_ += distance / ++count_;
    squares_ += distance * (x - mean_);
  }
  double mean() const { return mean_; }
  double variance() const { return count_ > 1 ? squares_ / (count_ - 1) : NAN; }

 private:
  double count_ = 0, mean_ = 0, squares_ = 0;
};

double entropy_term(double p) { return p > 0 ? -p * std::log(p) : 0; }

// Of one member and pass; each output's own.
double entropy_of(Task task, std::span<const double> p, size_t output) {
  if (task != Task::multiclass) return entropy_term(p[output]) + entropy_term(1 - p[output]);
  double sum = 0;
  for (const double each : p) sum += entropy_term(each);
  return sum;
}

// What moments_of reads, with the passes that count: the one without noise, or the others.
class Samples {
 public:
  Samples(const ModelCard& card, std::span<const double> values, int samples)
      : card_(card),
        values_(values),
        folds_(static_cast<size_t>(card.folds())),
        outputs_(card.targets.size()),
        first_(samples > 0 ? 1 : 0),
        last_(static_cast<size_t>(samples)) {}

  Moments moments(size_t output) const {
    RunningMoments means, variances;
    const auto groups = static_cast<size_t>(card_.uncertainty.folds);
    std::vector<RunningMoments> of_fold(groups);
    for (size_t fold = 0; fold < folds_; ++fold) {
      RunningMoments passes;
      for (size_t pass = first_; pass <= last_; ++pass)
        passes.add(card_.scalers[fold][output].inverse(row(pass, fold)[output]));
      means.add(passes.mean());
      of_fold[fold % groups].add(passes.mean());
      variances.add(last_ > 0 ? passes.variance() : 0);
    }
    RunningMoments among_seeds;
    for (const RunningMoments& fold : of_fold) among_seeds.add(fold.variance());
    return {means.mean(), variances.mean(), means.variance(), among_seeds.mean(), NAN, NAN};
  }

  double mean_entropy(size_t output) const {
    RunningMoments entropies;
    for (size_t fold = 0; fold < folds_; ++fold)
      for (size_t pass = first_; pass <= last_; ++pass)
        entropies.add(entropy_of(card_.task, row(pass, fold), output));
    return entropies.mean();
  }

 private:
  std::span<const double> row(size_t pass, size_t fold) const {
    return values_.subspan((pass * folds_ + fold) * outputs_, outputs_);
  }

  const ModelCard& card_;
  std::span<const double> values_;
  size_t folds_, outputs_, first_, last_;
};

}  // namespace

uint32_t molecule_id(const Features& m) { return crc_of(crc_of(0, m.tokens), m.coordinates); }

EncoderNoise encoder_noise(const DropoutRates& rates, uint32_t sample,
                           std::span<const uint32_t> ids) {
  return {rates.embedding,
          rates.attention,
          rates.activation,
          rates.residual,
          random_key(rates.seed, mc_step),
          random_purpose(Purpose::mc, 0, sample),
          ids,
          rates.quiet_layers};
}

HeadDropout head_noise(const DropoutRates& rates, uint32_t sample, std::span<const uint32_t> ids) {
  return {rates.pooler, rates.seed, mc_step, ids, random_purpose(Purpose::mc, 0, sample)};
}

NoisyEncoder::NoisyEncoder(const Architecture& architecture, const TensorMap& tensors)
    : width_(static_cast<size_t>(architecture.width)),
      parameters_(encoder_only(tensors), "the model", Gradients::none),
      encoder_(architecture, parameters_) {
  encoder_.set_forward_only();
}

std::vector<float> NoisyEncoder::cls(Team& team, std::span<const Features* const> molecules,
                                     const EncoderNoise& noise) {
  const float* rows = encoder_.forward(team, molecules, noise);
  std::vector<float> cls(molecules.size() * width_);
  encoder_.gather_cls(rows, cls.data(), width_);
  return cls;
}

std::vector<Moments> moments_of(const ModelCard& card, std::span<const double> values,
                                int samples) {
  const Samples all(card, values, samples);
  std::vector<Moments> result;
  std::vector<double> means;
  for (size_t t = 0; t < card.targets.size(); ++t) {
    result.push_back(all.moments(t));
    means.push_back(result.back().mean);
  }
  if (!is_classification(card.task)) return result;
  for (size_t t = 0; t < means.size(); ++t) {
    result[t].entropy = entropy_of(card.task, means, t);
    // Rounding alone makes it negative.
    result[t].information = std::max(0.0, result[t].entropy - all.mean_entropy(t));
  }
  return result;
}

}  // namespace molrt
