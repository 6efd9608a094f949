#include <cmath>
#include <limits>

#include "base/error.h"
#include "train/fold.h"
#include "train/optimiser.h"

namespace molrt {
namespace {

class Trainer {
 public:
  Trainer(const Fold& fold, const CancelCheck& check_cancelled);
  FoldFit run(const EpochCallback& after_epoch);

 private:
  double train_epoch(int epoch);
  LossSum train_batch(std::span<const size_t> rows);
  HeadDropout dropout(std::span<const size_t> rows);
  void update();
  bool keep_if_best(int epoch, double train_loss, double valid_loss);
  [[noreturn]] void fail_diverged(const char* what, double value) const;

  const Fold& fold_;
  const CancelCheck& check_cancelled_;
  const HeadSettings& settings_;
  StepPlan plan_;
  Head head_, gradient_;
  Adam adam_;
  uint64_t step_ = 0;
  FoldFit best_;
  HeadActivations activations_;
  std::vector<uint32_t> molecules_;
  std::vector<float> representations_, targets_, outputs_, d_outputs_;
};

Trainer::Trainer(const Fold& fold, const CancelCheck& check_cancelled)
    : fold_(fold),
      check_cancelled_(check_cancelled),
      settings_(fold.settings),
      plan_(plan_steps(fold.split.train.size(), static_cast<size_t>(settings_.batch_size),
                       static_cast<size_t>(settings_.epochs), settings_.warmup)),
      head_(initialised_head(settings_.kind, fold.data.width, fold.data.targets, settings_.seed,
                             fold.index)),
      gradient_(make_head(settings_.kind, fold.data.width, fold.data.targets)),
      adam_(settings_.adam_beta1, settings_.adam_beta2, settings_.adam_eps) {
  if (plan_.total >= std::numeric_limits<uint32_t>::max())  // the step is a u32 of the masks' key
    fail(MOLRT_ERROR_UNSUPPORTED,
         "{} optimiser steps are too many: lower epochs or raise batch_size", plan_.total);
  best_.valid_loss = std::numeric_limits<double>::infinity();
}

void Trainer::fail_diverged(const char* what, double value) const {
  fail(MOLRT_ERROR_DATA,
       "training diverged: the {} is {} at step {} of fold {}; lower lr (now {}) or check the "
       "labels",
       what, value, step_ + 1, fold_.index + 1, settings_.lr);
}

HeadDropout Trainer::dropout(std::span<const size_t> rows) {
  molecules_.assign(rows.begin(), rows.end());
  return {settings_.pooler_dropout, settings_.seed, static_cast<uint32_t>(step_), molecules_};
}

LossSum Trainer::train_batch(std::span<const size_t> rows) {
  gather(fold_, rows, representations_, targets_);
  const HeadDropout noise = dropout(rows);
  outputs_.resize(targets_.size());
  d_outputs_.resize(targets_.size());
  head_forward_training(head_, representations_.data(), noise, activations_, outputs_.data());
  const LossSum loss = evaluate_loss(settings_.loss, outputs_.data(), targets_.data(),
                                     targets_.size(), d_outputs_.data());
  if (!std::isfinite(loss.sum)) fail_diverged("loss", loss.sum);
  for (const auto& tensor : parameters(gradient_)) std::fill(tensor.begin(), tensor.end(), 0.f);
  head_backward(head_, noise, activations_, d_outputs_.data(), gradient_, nullptr);
  update();
  return loss;
}

void Trainer::update() {
  const auto gradients = parameters(gradient_);
  const double norm = clip_gradients(gradients, settings_.clip);
  if (!std::isfinite(norm)) fail_diverged("gradient's norm", norm);
  adam_.step(parameters(head_), gradients, learning_rate(settings_.lr, step_, plan_));
  ++step_;
}

double Trainer::train_epoch(int epoch) {
  const auto order =
      epoch_order(fold_.split.train, settings_.seed, static_cast<uint32_t>(epoch - 1), fold_.index);
  LossSum total;
  for (size_t batch = 0; batch < plan_.batches; ++batch) {
    check_cancelled_();
    const LossSum loss =
        train_batch(std::span(order).subspan(batch * plan_.batch_size, plan_.batch_size));
    total.sum += loss.sum;
    total.labels += loss.labels;
  }
  return total.mean();
}

// Without early stopping every epoch counts as the best so far.
bool Trainer::keep_if_best(int epoch, double train_loss, double valid_loss) {
  best_.epochs = epoch;
  if (settings_.patience > 0 && !(valid_loss < best_.valid_loss)) return false;
  best_.head = head_;
  best_.best_epoch = epoch;
  best_.train_loss = train_loss;
  best_.valid_loss = valid_loss;
  return true;
}

FoldFit Trainer::run(const EpochCallback& after_epoch) {
  for (int epoch = 1; epoch <= settings_.epochs; ++epoch) {
    const double train_loss = train_epoch(epoch);
    const double valid_loss = mean_loss(fold_, head_, fold_.split.held_out);
    if (!fold_.split.held_out.empty() && !std::isfinite(valid_loss))
      fail_diverged("held-out loss", valid_loss);
    const bool best = keep_if_best(epoch, train_loss, valid_loss);
    after_epoch(epoch, train_loss, valid_loss);
    if (!best && epoch - best_.best_epoch >= settings_.patience) break;
  }
  return std::move(best_);
}

}  // namespace

FoldFit fit_adam(const Fold& fold, const EpochCallback& after_epoch,
                 const CancelCheck& check_cancelled) {
  return Trainer(fold, check_cancelled).run(after_epoch);
}

}  // namespace molrt
