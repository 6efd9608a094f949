#pragma once
// Source 000's experiment on a small network (regularisers.md, E3): learn a cylinder's volume
// V = pi r^2 h from samples that never repeat, so that nothing overfits and what dropout does to
// the predictions stands alone.
#include <functional>

#include "support/toy_net.h"

namespace molrt {

struct Cylinders {
  std::vector<float> inputs;   // [rows, 2]: r and h, standardised
  std::vector<float> volumes;  // [rows], standardised
  std::vector<float> large;    // [rows]: 1 where the volume is above its median, else 0
};
Cylinders draw_cylinders(uint64_t seed, uint32_t step, size_t rows);

// What training minimises: writes its gradient `d` by the outputs `f` of each pass.
using Outputs = std::vector<std::vector<float>>;  // [passes][rows]
using Objective = std::function<void(const Cylinders& batch, const Outputs& f, Outputs& d)>;

// The mean over rows and passes of the squared error, and of the binary cross-entropy on `large`.
void squared_error(const Cylinders& batch, const Outputs& f, Outputs& d);
void cross_entropy(const Cylinders& batch, const Outputs& f, Outputs& d);
// The squared error of the passes' mean.
void squared_error_of_mean(const Cylinders& batch, const Outputs& f, Outputs& d);
// The squared error, plus alpha / 2 (f1 - f2)^2: R-Drop.
Objective rdrop(double alpha);

struct CylinderArm {
  std::vector<double> rates = {0, 0, 0};  // dropout's, of the three layers' inputs
  Objective objective = squared_error;
  size_t passes = 1;
};
ToyNet train_on_cylinders(const CylinderArm& arm, uint64_t seed, uint32_t steps = 1500);

// Of 2000 cylinders that training has not seen.
struct CylinderPredictions {
  Cylinders cylinders;
  std::vector<double> deterministic, mc;  // mc: the mean over 50 passes
  double training_loss;                   // mean squared error of single passes
  double spread;                          // root of the mean over rows of the passes' variance
};
// `convert` makes predictions of outputs.
CylinderPredictions predict_cylinders(ToyNet& net, uint64_t seed, double (*convert)(double));

// Of predictions f of these cylinders, against their volumes y.
double root_mean_square_error(const Cylinders& cylinders, const std::vector<double>& f);
double bias_of_large(const Cylinders& cylinders, const std::vector<double>& f);  // where y > 1
double slope(const Cylinders& cylinders, const std::vector<double>& f);          // of f on y
double auroc(const Cylinders& cylinders, const std::vector<double>& f);          // of `large`

}  // namespace molrt
