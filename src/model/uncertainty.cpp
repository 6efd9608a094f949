#include "model/uncertainty.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>

namespace molrt {
namespace {

bool is_rate(double rate) { return rate >= 0 && rate <= 1; }
bool is_size(double value) { return std::isfinite(value) && value >= 0; }

bool usable(const Calibration& c, Calibrated kind) {
  if (!is_size(c.a) || !is_size(c.b) || c.scores.size() > most_scores) return false;
  if (kind == Calibrated::affine || c.rows == 0) return c.scores.empty();
  return !c.scores.empty() && c.scores.size() <= c.rows && c.scores.front() >= 0 &&
         std::is_sorted(c.scores.begin(), c.scores.end()) && std::isfinite(c.scores.back());
}

bool usable(const std::vector<Calibration>& list, const Uncertainty& u, size_t targets) {
  if (list.empty()) return true;
  return u.kind != Calibrated::none && list.size() == targets &&
         std::all_of(list.begin(), list.end(), [&](const auto& c) { return usable(c, u.kind); });
}

}  // namespace

const char* mode_name(PredictMode mode) { return mode == PredictMode::mc ? "mc" : "det"; }

const char* calibrated_name(Calibrated kind) {
  static constexpr const char* names[] = {"none", "affine", "conformal"};
  return names[static_cast<size_t>(kind)];
}

double Calibration::sigma(double spread_squared) const {
  return rows == 0 ? NAN : std::sqrt(a * spread_squared + b);
}

double Calibration::reach(double level) const {
  const auto n = static_cast<double>(rows);
  if (scores.empty())
    return boost::math::quantile(boost::math::normal_distribution<double>(), .5 + .5 * level);
  // Products such as 10 * .9 must not round up past a whole number.
  const double rank = std::ceil((n + 1) * level - 1e-9);
  if (rank > n) return std::numeric_limits<double>::infinity();
  const auto m = static_cast<double>(scores.size());
  return scores[static_cast<size_t>(std::max(1.0, std::ceil(rank * m / n - 1e-9))) - 1];
}

std::vector<double> stored_scores(std::vector<double> scores) {
  std::sort(scores.begin(), scores.end());
  if (scores.size() <= most_scores) return scores;
  std::vector<double> kept;
  for (size_t i = 1; i <= most_scores; ++i)
    kept.push_back(scores[(i * scores.size() + most_scores - 1) / most_scores - 1]);
  return kept;
}

std::string uncertainty_fault(const Uncertainty& u, size_t targets, int layers, int members) {
  const DropoutRates& n = u.noise;
  for (const double rate : {n.embedding, n.attention, n.activation, n.residual, n.pooler})
    if (!is_rate(rate)) return "a dropout rate that is not between 0 and 1";
  if (n.quiet_layers < 0 || n.quiet_layers > layers)
    return "more layers without dropout than there are";
  if (u.samples < 2 || u.samples > most_samples) return "too few or too many samples";
  if (u.mode == PredictMode::mc && !n.any()) return "predictions by MC dropout, but no dropout";
  if (u.folds < 1 || (u.between && (members % u.folds != 0 || members < 2 * u.folds)))
    return "a variance between members that its members cannot have";
  if (!usable(u.deterministic, u, targets) || !usable(u.mc, u, targets))
    return "a calibration that does not fit its targets, or whose numbers are not ascending and "
           "finite";
  return "";
}

}  // namespace molrt
