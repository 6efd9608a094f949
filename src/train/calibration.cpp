#include "train/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/philox.h"

namespace molrt {
namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The best c for a part w of the spread, and the likelihood there.
struct Profile {
  double w, c, loss;
};

class AffineSearch {
 public:
  explicit AffineSearch(const HeldOutErrors& held_out)
      : errors_(held_out.errors),
        spreads_(held_out.spreads_squared),
        mean_spread_(mean_of(spreads_)),
        // Without the constant a spread of 0 claims certainty.
        largest_w_(*std::min_element(spreads_.begin(), spreads_.end()) > 0 ? 1 : 1 - 1e-6) {}

  Calibration best() const {
    Profile best = at(0);
    if (mean_spread_ > 0 && errors_.size() >= few_values) best = search(best);
    Calibration found;
    found.a = best.w == 0 ? 0 : best.c * best.w / mean_spread_;
    found.b = best.c * (1 - best.w);
    found.rows = errors_.size();
    return found;
  }

 private:
  Profile at(double w) const {
    double scaled = 0, logs = 0;
    for (size_t i = 0; i < errors_.size(); ++i) {
      const double v = w == 0 ? 1 : w * spreads_[i] / mean_spread_ + (1 - w);
      scaled += errors_[i] * errors_[i] / v;
      logs += std::log(v);
    }
    const auto n = static_cast<double>(errors_.size());
    return {w, scaled / n, std::log(scaled / n) + logs / n};
  }

  Profile search(Profile best) const {
    constexpr int steps = 100;
    const auto grid = [&](int i) { return largest_w_ * std::clamp(i, 0, steps) / steps; };
    int nearest = 0;
    for (int i = 1; i <= steps; ++i)
      if (const Profile p = at(grid(i)); p.loss < best.loss) {
        best = p;
        nearest = i;
      }
    return between(grid(nearest - 1), grid(nearest + 1), best);
  }

  // Golden section.
  Profile between(double low, double high, Profile best) const {
    const double ratio = std::numbers::phi - 1;
    for (int i = 0; i < 60; ++i) {
      const Profile p = at(high - ratio * (high - low)), q = at(low + ratio * (high - low));
      for (const Profile& each : {p, q})
        if (each.loss < best.loss) best = each;
      (p.loss < q.loss ? high : low) = p.loss < q.loss ? q.w : p.w;
    }
    return best;
  }

  std::span<const double> errors_, spreads_;
  double mean_spread_, largest_w_;
};

std::vector<double> scores_of(const HeldOutErrors& held_out, const Calibration& c) {
  std::vector<double> scores;
  for (size_t i = 0; i < held_out.size(); ++i) {
    const double error = std::abs(held_out.errors[i]);
    scores.push_back(error == 0 ? 0 : error / c.sigma(held_out.spreads_squared[i]));
  }
  return scores;
}

HeldOutErrors half_of(const HeldOutErrors& all, size_t half) {
  HeldOutErrors part;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all.half(i) != half) continue;
    part.errors.push_back(all.errors[i]);
    part.spreads_squared.push_back(all.spreads_squared[i]);
  }
  return part;
}

}  // namespace

Calibration fit_affine(const HeldOutErrors& held_out) { return AffineSearch(held_out).best(); }

Calibration calibrate(const HeldOutErrors& held_out, Calibrated kind) {
  if (held_out.size() < 2 || kind == Calibrated::none) return {};
  Calibration c = fit_affine(held_out);
  if (kind == Calibrated::conformal) c.scores = stored_scores(scores_of(held_out, c));
  return c;
}

double gaussian_nll(std::span<const double> errors, std::span<const double> sigmas) {
  double sum = 0;
  for (size_t i = 0; i < errors.size(); ++i) {
    const double variance = sigmas[i] * sigmas[i];
    if (variance == 0) return std::numeric_limits<double>::infinity();
    sum += .5 * (std::log(2 * std::numbers::pi * variance) + errors[i] * errors[i] / variance);
  }
  return sum / static_cast<double>(errors.size());
}

CrossFit cross_fit(const HeldOutErrors& held_out, Calibrated kind) {
  CrossFit fit;
  fit.halves = {calibrate(half_of(held_out, 1), kind), calibrate(half_of(held_out, 0), kind)};
  for (size_t i = 0; i < held_out.size(); ++i) {
    fit.half.push_back(held_out.half(i));
    fit.sigmas.push_back(fit.halves[fit.half[i]].sigma(held_out.spreads_squared[i]));
  }
  return fit;
}

std::vector<double> CrossFit::reach(double level) const {
  const double reaches[] = {halves[0].reach(level), halves[1].reach(level)};
  std::vector<double> list;
  for (size_t i = 0; i < sigmas.size(); ++i) list.push_back(reaches[half[i]]);
  return list;
}

double gain_lower_bound(std::span<const double> a, std::span<const double> b, uint64_t seed) {
  constexpr uint32_t samples = 2000, bootstrap_stream = 0x100;
  const PhiloxKey key = random_key(seed, 0);
  const uint64_t n = a.size();
  std::vector<double> gains;
  for (uint32_t sample = 0; sample < samples; ++sample) {
    double sum_a = 0, sum_b = 0;
    for (uint64_t i = 0; i < n; i += 4) {
      const auto lanes = philox4x32({0, bootstrap_stream, random_purpose(Purpose::split, 0, sample),
                                     static_cast<uint32_t>(i / 4)},
                                    key);
      for (uint64_t j = i; j < std::min(n, i + 4); ++j) {
        const uint64_t row = lanes[j - i] * n >> 32;
        sum_a += a[row];
        sum_b += b[row];
      }
    }
    gains.push_back(std::sqrt(sum_a / static_cast<double>(n)) -
                    std::sqrt(sum_b / static_cast<double>(n)));
  }
  const auto at = gains.begin() + samples / 20;
  std::nth_element(gains.begin(), at, gains.end());
  return *at;
}

}  // namespace molrt
