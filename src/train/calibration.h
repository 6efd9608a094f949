#pragma once
// From errors on held-out rows and their raw spread to error bars and intervals (spec:
// regularisers.md 9). One target at a time, in its own units.
#include <cstdint>
#include <span>
#include <vector>

#include "model/uncertainty.h"

namespace molrt {

struct HeldOutErrors {
  std::vector<double> errors;           // measured - predicted
  std::vector<double> spreads_squared;  // [errors]: the raw s^2, 0 where there is none
  std::vector<size_t> molecules;        // [errors], 0, 1 ...; empty: all different
  // Every second molecule's, so that no molecule is in both.
  size_t half(size_t value) const { return (molecules.empty() ? value : molecules[value]) % 2; }
  size_t size() const { return errors.size(); }
};

// Below this many values two parameters and the tails of the scores would be chance: b alone is
// fitted, and nothing is said of the coverage.
constexpr size_t few_values = 20;

// a, b >= 0 of sigma^2 = a s^2 + b with the smallest mean Gaussian negative log likelihood
// log(2 pi sigma^2) / 2 + error^2 / (2 sigma^2). With w the part of the spread, sigma^2 = c (w s^2
// / mean(s^2) + 1 - w), the best c is mean(error^2 / (...)): w alone is searched for, on a grid and
// between its best neighbours. At least one value.
Calibration fit_affine(const HeldOutErrors& held_out);
// And conformal scores, if `kind` has them; rows = 0 for fewer than 2 values.
Calibration calibrate(const HeldOutErrors& held_out, Calibrated kind);

// The mean negative log likelihood of errors with these sigmas; infinite if one is 0 beside an
// error.
double gaussian_nll(std::span<const double> errors, std::span<const double> sigmas);

// Each value's sigma and the reach of its interval at `level`, by a calibration on the other half
// (HeldOutErrors::half): what new molecules will see. At least few_values values.
struct CrossFit {
  std::vector<double> sigmas;                     // [values]
  std::vector<double> reach(double level) const;  // [values]
  std::vector<size_t> half;                       // [values]: whose calibration it has
  std::vector<Calibration> halves;
};
CrossFit cross_fit(const HeldOutErrors& held_out, Calibrated kind);

// The 5 % quantile of the gain sqrt(mean a) - sqrt(mean b) over bootstrap samples of the rows: 95 %
// are above it. a, b: squared errors of the same rows [at least 1].
double gain_lower_bound(std::span<const double> a, std::span<const double> b, uint64_t seed);

}  // namespace molrt
