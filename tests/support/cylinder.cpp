#include "support/cylinder.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "train/loss.h"
#include "train/metrics.h"

namespace molrt {
namespace {

constexpr double median = 3 * std::numbers::pi;  // of the volume, as E 1/r^2 = 20/3
constexpr uint32_t data_site = 1000;             // apart from the masks' sites
constexpr uint32_t last_step = 0xFFFFFFFF;

// In (-1/2, 1/2).
double centred(PhiloxKey key, uint32_t which, size_t row) {
  return random_uniform(random_u32(key, which, data_site, 0, row)) - .5;
}

void mean_over_passes(LossKind kind, const std::vector<float>& labels, const Outputs& f,
                      Outputs& d) {
  const Loss loss{.kind = kind, .class_weights = {}};
  const size_t rows = labels.size();
  for (size_t pass = 0; pass < f.size(); ++pass)
    evaluate_loss(loss, {rows, 1, 1, f[pass].data(), labels.data(), nullptr}, d[pass].data(),
                  static_cast<double>(rows * f.size()));
}

}  // namespace

Cylinders draw_cylinders(uint64_t seed, uint32_t step, size_t rows) {
  Cylinders c;
  const PhiloxKey key = random_key(seed, step);
  for (size_t row = 0; row < rows; ++row) {
    const double a = centred(key, 0, row), b = centred(key, 1, row);
    const double r = .4 + .2 * a, h = 20 + 30 * b, volume = std::numbers::pi * r * r * h;
    for (const double u : {a, b}) c.inputs.push_back(static_cast<float>(u * std::sqrt(12.)));
    c.volumes.push_back(static_cast<float>((volume - 10.2625) / 5.4580));
    c.large.push_back(volume > median ? 1.f : 0.f);
  }
  return c;
}

void squared_error(const Cylinders& batch, const Outputs& f, Outputs& d) {
  mean_over_passes(LossKind::mse, batch.volumes, f, d);
}

void cross_entropy(const Cylinders& batch, const Outputs& f, Outputs& d) {
  mean_over_passes(LossKind::bce, batch.large, f, d);
}

void squared_error_of_mean(const Cylinders& batch, const Outputs& f, Outputs& d) {
  const auto share = 1 / static_cast<float>(f.size());
  Outputs mean(1, std::vector<float>(batch.volumes.size())), d_mean = mean;
  for (const auto& pass : f)
    for (size_t i = 0; i < pass.size(); ++i) mean[0][i] += share * pass[i];
  squared_error(batch, mean, d_mean);
  for (float& gradient : d_mean[0]) gradient *= share;
  for (auto& pass : d) pass = d_mean[0];
}

Objective rdrop(double alpha) {
  return [alpha](const Cylinders& batch, const Outputs& f, Outputs& d) {
    squared_error(batch, f, d);
    for (size_t i = 0; i < f[0].size(); ++i) {
      const double difference = double{f[0][i]} - f[1][i];
      const auto pull = static_cast<float>(alpha * difference / static_cast<double>(f[0].size()));
      d[0][i] += pull;
      d[1][i] -= pull;
    }
  };
}

namespace {

void backpropagate(ToyNet& net, const CylinderArm& arm, const Cylinders& batch, PhiloxKey key) {
  const auto noise = [&](size_t pass) {
    return ToyNoise{key, random_purpose(Purpose::train, static_cast<uint32_t>(pass))};
  };
  Outputs f, d(arm.passes, std::vector<float>(batch.volumes.size()));
  for (size_t pass = 0; pass < arm.passes; ++pass)
    f.push_back(net.forward(batch.inputs, noise(pass)));
  arm.objective(batch, f, d);
  net.clear_gradients();
  for (size_t pass = 0; pass < arm.passes; ++pass) {
    if (arm.passes > 1) net.forward(batch.inputs, noise(pass));  // the net remembers one pass
    net.backward(d[pass], noise(pass));
  }
}

}  // namespace

ToyNet train_on_cylinders(const CylinderArm& arm, uint64_t seed, uint32_t steps) {
  ToyNet net({2, 24, 24, 1}, arm.rates, seed);
  Adam adam(.9, .999, 1e-8, net.tensors());
  const StepPlan plan{32, steps, steps, 0};
  for (uint32_t step = 0; step < steps; ++step) {
    backpropagate(net, arm, draw_cylinders(seed, step, plan.batch_size), random_key(seed, step));
    adam.step(net.tensors(), learning_rate(3e-3, step, plan), 1);
  }
  return net;
}

CylinderPredictions predict_cylinders(ToyNet& net, uint64_t seed, double (*convert)(double)) {
  constexpr uint32_t rows = 2000, passes = 50;
  CylinderPredictions p{draw_cylinders(seed, last_step, rows), {}, std::vector<double>(rows), 0, 0};
  for (const float f : net.forward(p.cylinders.inputs)) p.deterministic.push_back(convert(f));
  double squares = 0;
  for (uint32_t t = 0; t < passes; ++t) {
    const ToyNoise noise{random_key(seed, last_step), random_purpose(Purpose::mc, 0, t)};
    const std::vector<float> outputs = net.forward(p.cylinders.inputs, noise);
    for (size_t i = 0; i < rows; ++i) {
      const double f = convert(outputs[i]);
      p.mc[i] += f / passes;
      squares += f * f / passes / rows;
      p.training_loss += std::pow(f - p.cylinders.volumes[i], 2) / passes / rows;
    }
  }
  for (const double mean : p.mc) squares -= mean * mean / rows;
  p.spread = std::sqrt(std::max(squares, 0.));
  return p;
}

double root_mean_square_error(const Cylinders& c, const std::vector<double>& f) {
  return evaluate_metric(Metric::rmse, {{c.volumes.begin(), c.volumes.end()}, f});
}

double bias_of_large(const Cylinders& c, const std::vector<double>& f) {
  double sum = 0, count = 0;
  for (size_t i = 0; i < f.size(); ++i)
    if (c.volumes[i] > 1) {
      sum += f[i] - c.volumes[i];
      ++count;
    }
  return sum / count;
}

double slope(const Cylinders& c, const std::vector<double>& f) {
  const auto n = static_cast<double>(f.size());
  double y = 0, yy = 0, fs = 0, fy = 0;
  for (size_t i = 0; i < f.size(); ++i) {
    y += c.volumes[i] / n;
    yy += double{c.volumes[i]} * c.volumes[i] / n;
    fs += f[i] / n;
    fy += f[i] * c.volumes[i] / n;
  }
  return (fy - fs * y) / (yy - y * y);
}

double auroc(const Cylinders& c, const std::vector<double>& f) {
  return evaluate_metric(Metric::auroc, {{c.large.begin(), c.large.end()}, f});
}

}  // namespace molrt
