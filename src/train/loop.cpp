#include "train/loop.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "train/shuffle.h"

namespace molrt {
namespace {

using Values = std::vector<std::vector<float>>;  // of every tensor

Values copy_values(const std::vector<TrainedTensor>& tensors) {
  Values values;
  for (const TrainedTensor& t : tensors) values.emplace_back(t.value.begin(), t.value.end());
  return values;
}

void put_values(const Values& values, const std::vector<TrainedTensor>& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i)
    std::copy(values[i].begin(), values[i].end(), tensors[i].value.begin());
}

void swap_values(Values& values, const std::vector<TrainedTensor>& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i)
    std::swap_ranges(values[i].begin(), values[i].end(), tensors[i].value.begin());
}

// avg += (1 - beta) (w - avg), beta = min(ema_beta, (1 + t) / (10 + t)) (spec: regularisers.md 0a).
class Average {
 public:
  Average(double beta, const std::vector<TrainedTensor>& tensors) : beta_(beta) {
    if (beta > 0) values_ = copy_values(tensors);
  }
  bool on() const { return beta_ > 0; }
  void update(const std::vector<TrainedTensor>& tensors) {
    const double t = static_cast<double>(steps_++);
    const auto change = static_cast<float>(1 - std::min(beta_, (1 + t) / (10 + t)));
    for (size_t i = 0; i < values_.size(); ++i)
      for (size_t k = 0; k < values_[i].size(); ++k)
        values_[i][k] += change * (tensors[i].value[k] - values_[i][k]);
  }
  // The averages change places with the weights; a second call puts them back.
  void exchange(const std::vector<TrainedTensor>& tensors) {
    if (on()) swap_values(values_, tensors);
  }

 private:
  double beta_;
  uint64_t steps_ = 0;
  Values values_;
};

class Loop {
 public:
  Loop(Trainee& trainee, const LoopSettings& settings, std::span<const size_t> train,
       std::span<const size_t> held_out, const CancelCheck& check_cancelled)
      : trainee_(trainee),
        settings_(settings),
        train_(train.begin(), train.end()),
        held_out_(held_out),
        check_cancelled_(check_cancelled),
        plan_(plan_steps(train.size(), settings.batch_size, static_cast<size_t>(settings.epochs),
                         settings.warmup)),
        tensors_(trainee.tensors()),
        adam_(settings.adam_beta1, settings.adam_beta2, settings.adam_eps),
        average_(settings.ema_beta, tensors_) {
    if (plan_.total >= std::numeric_limits<uint32_t>::max())  // the step is a u32 of the masks' key
      fail(MOLRT_ERROR_UNSUPPORTED,
           "{} optimiser steps are too many: lower epochs or raise batch_size", plan_.total);
    best_.valid_loss = std::numeric_limits<double>::infinity();
  }

  LoopResult run(const EpochCallback& after_epoch) {
    for (int epoch = 1; epoch <= settings_.epochs; ++epoch) {
      const double train_loss = train_epoch(epoch);
      average_.exchange(tensors_);
      const double valid_loss = evaluate();
      const bool best = keep_if_best(epoch, train_loss, valid_loss);
      average_.exchange(tensors_);
      after_epoch(epoch, train_loss, valid_loss);
      if (!best && epoch - best_.best_epoch >= settings_.patience) break;
    }
    if (stops_early())
      put_values(best_values_, tensors_);
    else
      average_.exchange(tensors_);
    return best_;
  }

 private:
  bool stops_early() const { return settings_.patience > 0; }

  double train_epoch(int epoch) {
    const auto order =
        epoch_order(train_, settings_.seed, static_cast<uint32_t>(epoch - 1), settings_.fold);
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

  LossSum train_batch(std::span<const size_t> rows) {
    const LossSum loss = trainee_.learn(rows, static_cast<uint32_t>(step_));
    if (!std::isfinite(loss.sum)) fail_diverged("loss", loss.sum);
    update();
    return loss;
  }

  void update() {
    const double norm = clip_gradients(tensors_, settings_.clip, settings_.threads);
    if (!std::isfinite(norm)) fail_diverged("gradient's norm", norm);
    adam_.step(tensors_, learning_rate(settings_.lr, step_, plan_), settings_.threads);
    if (average_.on()) average_.update(tensors_);
    ++step_;
  }

  double evaluate() {
    if (held_out_.empty()) return std::numeric_limits<double>::quiet_NaN();
    const LossSum loss = trainee_.evaluate(held_out_);
    if (loss.labels == 0) return std::numeric_limits<double>::quiet_NaN();
    if (!std::isfinite(loss.sum)) fail_diverged("held-out loss", loss.mean());
    return loss.mean();
  }

  // Without early stopping every epoch counts as the best so far.
  bool keep_if_best(int epoch, double train_loss, double valid_loss) {
    best_.epochs = epoch;
    if (stops_early() && !(valid_loss < best_.valid_loss)) return false;
    if (stops_early()) best_values_ = copy_values(tensors_);
    best_.best_epoch = epoch;
    best_.train_loss = train_loss;
    best_.valid_loss = valid_loss;
    return true;
  }

  [[noreturn]] void fail_diverged(const char* what, double value) const {
    fail(MOLRT_ERROR_DATA,
         "training diverged: the {} is {} at step {} of fold {}; lower lr (now {}) or check the "
         "labels",
         what, value, step_ + 1, settings_.fold + 1, settings_.lr);
  }

  Trainee& trainee_;
  const LoopSettings& settings_;
  std::vector<size_t> train_;
  std::span<const size_t> held_out_;
  const CancelCheck& check_cancelled_;
  StepPlan plan_;
  std::vector<TrainedTensor> tensors_;
  Adam adam_;
  Average average_;
  uint64_t step_ = 0;
  LoopResult best_;
  Values best_values_;  // with early stopping
};

}  // namespace

LoopResult run_loop(Trainee& trainee, const LoopSettings& settings, std::span<const size_t> train,
                    std::span<const size_t> held_out, const EpochCallback& after_epoch,
                    const CancelCheck& check_cancelled) {
  return Loop(trainee, settings, train, held_out, check_cancelled).run(after_epoch);
}

}  // namespace molrt
