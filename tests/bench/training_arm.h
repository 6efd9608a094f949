#pragma once
// A network in training, whose steps can be timed.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clock.h"
#include "molecules.h"
#include "train/counted.h"
#include "train/optimiser.h"
#include "train/run_settings.h"
#include "train/task_plan.h"

namespace molrt {

using Change = std::pair<const char*, const char*>;

struct ArmSettings {
  const char* name;
  std::vector<Change> changes;
};

inline void set(Settings& s, const Change& change) {
  const auto& table = settings_table();
  const auto row = std::find_if(table.begin(), table.end(), [&](const SettingRow& r) {
    return std::string(r.name) == change.first;
  });
  if (std::holds_alternative<std::string>(row->default_value))
    s.set_text(change.first, change.second);
  else if (std::holds_alternative<double>(row->default_value))
    s.set_f64(change.first, std::stod(change.second));
  else
    s.set_i64(change.first, std::stoll(change.second));
}

// Every step learns all of the molecules, with all parameters, dropout and Adam.
class TrainingArm {
 public:
  TrainingArm(const Model& base, const Molecules& molecules, const ArmSettings& arm, int threads)
      : name_(arm.name), molecules_(molecules), threads_(threads), frozen_(0) {
    settings_.set_text("freeze.prefix", "none");
    for (const Change& change : arm.changes) set(settings_, change);
    team_.emplace(threads, precision_of(settings_));
    const int layers = base.card().architecture.layers;
    counted_ = count_run(settings_, layers, 0);
    network_ = read_network_settings(settings_);
    data_.rows = molecules.rows.size();
    data_.width = base.card().architecture.width;
    data_.targets = 1;
    data_.values = molecules.values;
    data_.target_names = {"y"};
    fold_.emplace(make_fold(data_, network_.head,
                            plan_task(data_, network_.head.task, molecules.rows), {},
                            {molecules.rows, {}, {}}));
    trainee_.emplace(base, molecules.list, *fold_, network_, *team_, frozen_);
    tensors_ = trainee_->tensors();
    adam_.emplace(.9, .999, 1e-6, tensors_);
    for (const auto& method : *fold_->methods) method->on_start(tensors_);
    start_epoch();
  }

  Span step() {
    const Span span = time_of([&] {
      trainee_->learn(molecules_.rows, {step_, 1, 1000}, 0);
      clip_gradients(tensors_, 5, threads_);
      adam_->step(tensors_, 1e-5, threads_, {*fold_->methods, random_key(fold_->seed, step_)});
    });
    ++step_;
    return span;
  }

  const std::string& name() const { return name_; }
  double counted() const { return counted_.factor; }

 private:
  void start_epoch() {
    for (const auto& method : *fold_->methods)
      method->on_epoch({0, *trainee_, tensors_, molecules_.rows, 2, 42, threads_, [] {}});
  }

  std::string name_;
  const Molecules& molecules_;
  int threads_;
  Settings settings_;
  Counted counted_;
  NetworkSettings network_;
  HeadTrainingData data_;
  std::optional<Fold> fold_;
  FrozenLayers frozen_;
  std::optional<Team> team_;
  std::optional<NetworkTrainee> trainee_;
  std::vector<TrainedTensor> tensors_;
  std::optional<Adam> adam_;
  uint32_t step_ = 0;
};

}  // namespace molrt
