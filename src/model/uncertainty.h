#pragma once
// What a model knows of its own errors, as its card stores it (spec: regularisers.md 0a and 9): the
// dropout that it was trained with, and how its spread was calibrated on rows held out in training.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace molrt {

// Of training; MC prediction repeats it.
struct DropoutRates {
  double embedding = 0, attention = 0, activation = 0, residual = 0, pooler = 0;
  int quiet_layers = 0;  // leading layers without; above 0, the embedding has none either
  uint64_t seed = 0;
  bool in_encoder() const {
    return embedding > 0 || attention > 0 || activation > 0 || residual > 0;
  }
  bool any() const { return in_encoder() || pooler > 0; }
};

enum class PredictMode { deterministic = 1, mc = 2 };           // MOLRT_MODE_*
enum class Calibrated { none = 0, affine = 1, conformal = 2 };  // MOLRT_CALIBRATION_*
const char* mode_name(PredictMode mode);                        // "det", "mc"
const char* calibrated_name(Calibrated kind);                   // "none" ...

constexpr int default_samples = 30, most_samples = 10000;
constexpr size_t most_scores = 1000;

// Of one target: sigma^2 = a s^2 + b of its raw spread s, both in its own units.
struct Calibration {
  double a = 0, b = 0;
  size_t rows = 0;  // held-out values that it was fitted on; 0: there is none
  // Conformal scores |y - f| / sigma, ascending: all of them, or of more than most_scores the order
  // statistics ceil(i rows / m), i = 1 ... m = most_scores. Empty for Calibrated::affine.
  std::vector<double> scores;

  double sigma(double spread_squared) const;
  // Sigmas that the interval at `level` (0 to 1) reaches to each side: the score of rank
  // ceil((rows + 1) level), or of a normal distribution without scores. Infinite where the rank is
  // beyond the rows.
  double reach(double level) const;
};
// Ascending scores of `scores.size()` rows as a calibration keeps them.
std::vector<double> stored_scores(std::vector<double> scores);

struct Uncertainty {
  DropoutRates noise;
  int samples = default_samples;                  // of an MC prediction
  PredictMode mode = PredictMode::deterministic;  // which predicts better
  Calibrated kind = Calibrated::none;
  bool between = false;  // whether the calibrated spread has the variance between members in it
  // Which is among those of equal number modulo `folds`: seeds that held the same rows out, as a
  // held-out row has no others.
  int folds = 1;
  std::vector<Calibration> deterministic, mc;  // [targets], or empty: not calibrated
  const std::vector<Calibration>& of(PredictMode m) const {
    return m == PredictMode::mc ? mc : deterministic;
  }
  void drop_calibration() {
    kind = Calibrated::none;
    between = false;
    deterministic.clear();
    mc.clear();
  }
};

// What makes the numbers unusable beside so many targets, layers and members, or "".
std::string uncertainty_fault(const Uncertainty& uncertainty, size_t targets, int layers,
                              int members);

}  // namespace molrt
