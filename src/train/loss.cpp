#include "train/loss.h"

#include <algorithm>
#include <cmath>

namespace molrt {
namespace {

struct Point {
  double value, derivative;
};

Point squared(double residual) { return {residual * residual, 2 * residual}; }

Point absolute(double residual) {
  return {std::abs(residual), static_cast<double>((residual > 0) - (residual < 0))};
}

// Quadratic to delta, then linear: as torch's HuberLoss.
Point huber(double residual, double delta) {
  if (std::abs(residual) <= delta) return {.5 * residual * residual, residual};
  return {delta * (std::abs(residual) - .5 * delta), std::copysign(delta, residual)};
}

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

// log(1 + exp(z)) without overflow.
double softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

// -(1 - p)^gamma log p with p = sigmoid(s); its derivative by s is
// -(1 - p)^gamma (gamma p (-log p) + 1 - p).
Point focal_of_margin(double s, double gamma) {
  const double minus_log = softplus(-s), p = sigmoid(s), q = sigmoid(-s);
  const double factor = std::pow(q, gamma);
  return {factor * minus_log, -factor * (gamma * p * minus_log + q)};
}

// Two classes from one logit: symmetric in the margin, which is z for y = 1 and -z for y = 0.
Point two_classes(const Loss& loss, double z, bool positive) {
  const bool focal = loss.kind == LossKind::focal;
  const Point p = focal_of_margin(positive ? z : -z, focal ? loss.focal_gamma : 0);
  const double alpha = !focal ? 1 : positive ? loss.focal_alpha : 1 - loss.focal_alpha;
  return {alpha * p.value, (positive ? alpha : -alpha) * p.derivative};
}

Point evaluate(const Loss& loss, double prediction, double label) {
  switch (loss.kind) {
    case LossKind::mae:
      return absolute(prediction - label);
    case LossKind::huber:
      return huber(prediction - label, loss.huber_delta);
    case LossKind::bce:
    case LossKind::focal:
      return two_classes(loss, prediction, label == 1);
    default:
      return squared(prediction - label);
  }
}

double class_weight(const Loss& loss, size_t target, double label) {
  return loss.class_weights.empty() ? 1 : loss.class_weights[target].at(static_cast<size_t>(label));
}

double weight_of(const Loss& loss, const LossBatch& batch, size_t row, size_t target) {
  const float label = batch.labels[row * batch.targets + target];
  if (std::isnan(label)) return 0;
  return (batch.weights == nullptr ? 1 : batch.weights[row]) * class_weight(loss, target, label);
}

// One row's logits and its class: log p, the class's probability p, and all of them.
struct Softmax {
  std::vector<double> probabilities;
  double log_p, others;  // others: 1 - p, summed from what it consists of
};

Softmax softmax(const float* logits, size_t classes, size_t label) {
  Softmax result{std::vector<double>(classes), 0, 0};
  const double largest = *std::max_element(logits, logits + classes);
  double sum = 0;
  for (size_t c = 0; c < classes; ++c)
    sum += result.probabilities[c] = std::exp(logits[c] - largest);
  for (double& p : result.probabilities) p /= sum;
  for (size_t c = 0; c < classes; ++c)
    if (c != label) result.others += result.probabilities[c];
  result.log_p = logits[label] - largest - std::log(sum);
  if (result.others < .5) result.log_p = std::log1p(-result.others);  // no cancellation
  return result;
}

// log(p) / (1 - p), whose limit at p = 1 is -1.
double log_over_others(const Softmax& s) { return s.others == 0 ? -1 : s.log_p / s.others; }

// The loss of a row, and its gradient d [classes] times `scale` unless it is null:
// d/dz_j = ((j == y) - p_j) (1 - p)^gamma (gamma p log(p) / (1 - p) - 1).
double one_of_classes(const Loss& loss, const float* logits, size_t classes, size_t label,
                      double scale, float* d) {
  const Softmax s = softmax(logits, classes, label);
  const double gamma = loss.kind == LossKind::focal ? loss.focal_gamma : 0;
  const double factor = std::pow(s.others, gamma), p = s.probabilities[label];
  const double slope = factor * (gamma == 0 ? -1 : gamma * p * log_over_others(s) - 1);
  for (size_t c = 0; d != nullptr && c < classes; ++c)
    d[c] = static_cast<float>((c == label ? s.others : -s.probabilities[c]) * slope * scale);
  return -factor * s.log_p;
}

// One label's part of the sum.
double add_label(const Loss& loss, const LossBatch& batch, size_t row, size_t target, double scale,
                 float* d_row) {
  const float* z = batch.predictions + row * batch.outputs;
  const double label = batch.labels[row * batch.targets + target];
  if (loss.softmax)
    return one_of_classes(loss, z, batch.outputs, static_cast<size_t>(label), scale, d_row);
  const Point point = evaluate(loss, z[target], label);
  if (d_row != nullptr) d_row[target] = static_cast<float>(point.derivative * scale);
  return point.value;
}

}  // namespace

const char* loss_name(LossKind kind) {
  static constexpr const char* names[] = {"mse", "mae", "huber", "bce", "ce", "focal"};
  return names[static_cast<size_t>(kind)];
}

LossKind usual_loss(Task task) {
  if (task == Task::multiclass) return LossKind::ce;
  return is_classification(task) ? LossKind::bce : LossKind::mse;
}

std::string loss_misfit(LossKind kind, Task task) {
  const bool of_values = kind <= LossKind::huber;
  const std::string name = loss_name(kind);
  if (of_values && is_classification(task))
    return name + " is for measured values; classes take " + loss_name(usual_loss(task)) +
           " or focal";
  if (!of_values && !is_classification(task))
    return name + " is for classes; measured values take mse, mae or huber";
  if (kind == LossKind::ce && task != Task::multiclass)
    return "ce is for task=multiclass; one yes or no a target takes bce or focal";
  if (kind == LossKind::bce && task == Task::multiclass)
    return "bce is for one yes or no a target; task=multiclass takes ce or focal";
  return "";
}

LossSum& LossSum::operator+=(const LossSum& other) {
  sum += other.sum;
  weight += other.weight;
  return *this;
}

double label_weight(const Loss& loss, const LossBatch& batch) {
  double sum = 0;
  for (size_t row = 0; row < batch.rows; ++row)
    for (size_t target = 0; target < batch.targets; ++target)
      sum += weight_of(loss, batch, row, target);
  return sum;
}

LossSum evaluate_loss(const Loss& loss, const LossBatch& batch, float* d_predictions,
                      double weight) {
  LossSum result;
  result.weight = label_weight(loss, batch);
  const double mean_over = weight == 0 ? result.weight : weight;
  if (d_predictions != nullptr) std::fill_n(d_predictions, batch.rows * batch.outputs, 0.f);
  for (size_t row = 0; row < batch.rows; ++row)
    for (size_t target = 0; target < batch.targets; ++target) {
      const double w = weight_of(loss, batch, row, target);
      if (w == 0) continue;
      float* d = d_predictions == nullptr ? nullptr : d_predictions + row * batch.outputs;
      result.sum += w * add_label(loss, batch, row, target, w / mean_over, d);
    }
  return result;
}

}  // namespace molrt
