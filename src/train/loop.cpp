#include "train/loop.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "train/average.h"
#include "train/best.h"
#include "train/shuffle.h"

namespace molrt {
namespace {

using nlohmann::json;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

json number(double value) { return std::isnan(value) ? json() : json(value); }
double number(const json& value) { return value.is_null() ? nan : value.get<double>(); }

json to_json(const EpochRecord& r) {
  return {{"epoch", r.epoch},
          {"train_loss", number(r.train_loss)},
          {"valid_loss", number(r.valid_loss)},
          {"metric", number(r.metric)},
          {"score", number(r.score)},
          {"lr", r.lr},
          {"spread_ratio", number(r.spread_ratio)}};
}

EpochRecord epoch_record(const json& j) {
  return {j.at("epoch"),
          number(j.at("train_loss")),
          number(j.at("valid_loss")),
          number(j.at("metric")),
          number(j.at("score")),
          j.at("lr"),
          number(j.at("spread_ratio"))};
}

class Loop {
 public:
  Loop(Trainee& trainee, const LoopSettings& settings, std::span<const size_t> train,
       std::span<const size_t> held_out, const LoopCallbacks& callbacks,
       MemberCheckpoint& checkpoint)
      : trainee_(trainee),
        settings_(settings),
        train_(train.begin(), train.end()),
        held_out_(held_out),
        callbacks_(callbacks),
        checkpoint_(checkpoint),
        plan_(plan_steps(train.size(), settings.batch_size, static_cast<size_t>(settings.epochs),
                         settings.warmup)),
        tensors_(trainee.tensors()),
        objectives_(trainee.objectives()),
        average_(settings.ema_beta, tensors_),
        best_(tensors_, checkpoint) {
    for (size_t i = 0; i < objectives_.size(); ++i)
      adams_.emplace_back(settings.adam_beta1, settings.adam_beta2, settings.adam_eps, tensors_);
    if (plan_.total >= std::numeric_limits<uint32_t>::max())  // the step is a u32 of the masks' key
      fail(MOLRT_ERROR_UNSUPPORTED,
           "{} optimiser steps are too many: lower epochs or raise batch_size", plan_.total);
  }

  LoopResult run() {
    for (const auto& method : *settings_.methods) method->on_start(tensors_);
    restore();
    try {
      while (!over()) train_epoch();
    } catch (const Error& error) {
      if (error.status() != MOLRT_ERROR_CANCELLED) throw;
      save_if_possible();
      if (result_.best.epoch == 0) throw;
      result_.interrupted = true;
    }
    if (!result_.interrupted) save();  // what follows, such as MC samples, may be stopped, too
    for (Adam& adam : adams_) adam.moments() = {};  // room for what comes back from the disk
    put_best();
    return result_;
  }

 private:
  bool stops_early() const { return settings_.patience > 0; }

  bool over() const {
    const int last = settings_.last_epoch > 0 ? settings_.last_epoch : settings_.epochs;
    const bool waited = stops_early() && result_.best.epoch > 0 &&
                        result_.epochs - result_.best.epoch >= settings_.patience;
    return result_.epochs >= last || waited;
  }

  void train_epoch() {
    const int epoch = result_.epochs + 1;
    const auto order =
        epoch_order(train_, settings_.seed, static_cast<uint32_t>(epoch - 1), settings_.fold);
    if (batch_ == 0) start_epoch(epoch - 1, order);
    while (batch_ < plan_.batches) {
      callbacks_.check_cancelled();
      train_batch(std::span(order).subspan(batch_ * plan_.batch_size, plan_.batch_size), epoch);
      if (checkpoint_.due()) save();
    }
    finish_epoch(epoch);
  }

  void start_epoch(int epoch, std::span<const size_t> order) {
    const EpochStart start{epoch,
                           trainee_,
                           tensors_,
                           order,
                           plan_.batch_size,
                           settings_.seed,
                           settings_.threads,
                           callbacks_.check_cancelled};
    for (const auto& method : *settings_.methods) method->on_epoch(start);
  }

  void train_batch(std::span<const size_t> rows, int epoch) {
    const LossSum loss = learn(rows, epoch, 0);
    for (size_t objective = 1; objective < objectives_.size(); ++objective)
      learn(rows, epoch, objective);
    average_.update(tensors_, step_, settings_.threads);
    epoch_loss_ += loss;
    ++batch_;
    ++step_;
    callbacks_.after_step(step_, plan_.total, loss.mean());
  }

  LossSum learn(std::span<const size_t> rows, int epoch, size_t objective) {
    const auto step = static_cast<uint32_t>(step_);
    const LossSum loss = trainee_.learn(rows, {step, epoch, plan_.total}, objective);
    if (!std::isfinite(loss.sum)) fail_diverged("loss", loss.sum);
    const double norm = clip_gradients(tensors_, settings_.clip, settings_.threads);
    if (!std::isfinite(norm)) fail_diverged("gradient's norm", norm);
    const double rate = objectives_[objective] * learning_rate(settings_.lr, step_, plan_);
    adams_[objective].step(objective == 0 ? tensors_ : without_decay(), rate, settings_.threads,
                           {*settings_.methods, random_key(settings_.seed, step)});
    return loss;
  }

  // Once in a step is enough.
  std::vector<TrainedTensor> without_decay() const {
    std::vector<TrainedTensor> tensors = tensors_;
    for (TrainedTensor& tensor : tensors) tensor.decay = tensor.pull = 0;
    return tensors;
  }

  void finish_epoch(int epoch) {
    average_.exchange(tensors_);
    const Evaluation held_out = evaluate();
    const EpochRecord record{epoch,
                             epoch_loss_.mean(),
                             held_out.loss.mean(),
                             held_out.metric,
                             held_out.score,
                             learning_rate(settings_.lr, step_ - 1, plan_),
                             trainee_.spread_ratio()};
    keep_if_best(record);
    average_.exchange(tensors_);
    result_.epochs = epoch;
    result_.history.push_back(record);
    batch_ = 0;
    epoch_loss_ = {};
    callbacks_.after_epoch(record);
  }

  Evaluation evaluate() {
    if (held_out_.empty()) return {{}, nan, nan};
    const Evaluation found = trainee_.evaluate(held_out_);
    if (!std::isfinite(found.loss.sum)) fail_diverged("held-out loss", found.loss.mean());
    return found;
  }

  // The first one, even if its score is not defined, is better than none.
  bool is_better(double score) const {
    const EpochRecord& best = result_.best;
    return best.epoch == 0 || score < best.score || (std::isnan(best.score) && !std::isnan(score));
  }

  // Without early stopping every epoch counts as the best so far.
  void keep_if_best(const EpochRecord& record) {
    if (stops_early() && !is_better(record.score)) return;
    result_.best = record;
    if (stops_early()) best_.keep(record.epoch, tensors_);
  }

  void put_best() {
    if (stops_early())
      best_.put(tensors_);
    else
      average_.exchange(tensors_);
  }

  // Every array of the state, by name.
  template <typename Visit>
  void visit_arrays(const Visit& visit) {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const std::string& name = tensors_[i].name;
      visit("value." + name, tensors_[i].value);
      for (size_t k = 0; k < adams_.size(); ++k) {
        const std::string which = k == 0 ? "" : std::to_string(k) + '.';
        visit("mean." + which + name, std::span<float>(adams_[k].moments()[i].mean));
        visit("square." + which + name, std::span<float>(adams_[k].moments()[i].square));
      }
      if (average_.on()) visit("average." + name, std::span<float>(average_.values()[i]));
      if (!best_.values().empty()) visit("best." + name, std::span<float>(best_.values()[i]));
    }
  }

  void save() {
    if (!checkpoint_) return;
    CheckpointState state;
    for (const auto& method : *settings_.methods)
      for (const MethodState& kept : method->state())
        if (!kept.words.empty()) state.tensors["method." + kept.name] = view(kept.words);
    visit_arrays([&](const std::string& name, std::span<float> values) {
      if (!values.empty()) state.tensors[name] = view(values);
    });
    state.facts = {{"step", step_},
                   {"batch", batch_},
                   {"loss_sum", epoch_loss_.sum},
                   {"loss_weight", epoch_loss_.weight},
                   {"result", molrt::to_json(result_)}};
    checkpoint_.save(state, best_.file_epoch());
  }

  // The model so far is worth more than the way to go on.
  void save_if_possible() try { save(); } catch (const Error& error) {
    result_.save_error = error.what();
  }

  void restore() {
    const auto state = checkpoint_.part();
    if (!state) return;
    const json& facts = state->facts;
    try {
      step_ = facts.at("step");
      batch_ = facts.at("batch");
      epoch_loss_.sum = facts.at("loss_sum");
      epoch_loss_.weight = facts.at("loss_weight");
      result_ = loop_result(facts.at("result"));
    } catch (const json::exception& e) {
      fail(MOLRT_ERROR_FORMAT, "the checkpoint's state is broken: {}", e.what());
    }
    if (stops_early() && result_.best.epoch > 0) best_.restore(result_.best.epoch, tensors_);
    visit_arrays([&](const std::string& name, std::span<float> to) {
      read_tensor(state->tensors, name, to);
    });
    for (const auto& method : *settings_.methods)
      for (const MethodState& kept : method->state())
        kept.words = read_words(state->tensors, "method." + kept.name, kept.size);
    for (Adam& adam : adams_) adam.set_steps(step_);
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
  const LoopCallbacks& callbacks_;
  MemberCheckpoint& checkpoint_;
  StepPlan plan_;
  std::vector<TrainedTensor> tensors_;
  std::vector<double> objectives_;
  std::vector<Adam> adams_;  // of each
  Average average_;
  uint64_t step_ = 0;
  size_t batch_ = 0;  // of the epoch
  LossSum epoch_loss_;
  LoopResult result_;
  BestValues best_;  // with early stopping
};

}  // namespace

json to_json(const LoopResult& result) {
  json history = json::array();
  for (const EpochRecord& record : result.history) history.push_back(to_json(record));
  return {{"epochs", result.epochs}, {"best", to_json(result.best)}, {"history", history}};
}

LoopResult loop_result(const json& j) {
  LoopResult result{j.at("epochs"), epoch_record(j.at("best")), {}, false, {}};
  for (const json& record : j.at("history")) result.history.push_back(epoch_record(record));
  return result;
}

LoopResult run_loop(Trainee& trainee, const LoopSettings& settings, std::span<const size_t> train,
                    std::span<const size_t> held_out, const LoopCallbacks& callbacks,
                    MemberCheckpoint& checkpoint) {
  return Loop(trainee, settings, train, held_out, callbacks, checkpoint).run();
}

}  // namespace molrt
