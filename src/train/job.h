#pragma once
// One training run: molecules and values in, a new model out.
#include <atomic>
#include <memory>
#include <optional>

#include "model/batch.h"
#include "train/head_training.h"

namespace molrt {

struct TrainingTable {
  std::vector<double> values;             // [rows, targets]; NaN: no value
  std::vector<std::string> target_names;  // [targets]
};

class Job {
 public:
  // The base model is shared and never changed; the batch and the settings are copies.
  Job(std::shared_ptr<const Model> base, Batch batch, TrainingTable table, Settings settings);

  // Representations once, then heads; or whole networks. `on_epoch` is called on this thread; true
  // stops (CANCELLED).
  void run(RunOptions options, const TrainingCallback& on_epoch);
  void cancel() { cancelled_ = true; }  // from any thread

  bool done() const { return result_.has_value(); }
  bool started() const { return started_; }
  std::shared_ptr<const Model> model() const { return model_; }
  const HeadTrainingResult& result() const { return *result_; }
  const Batch& batch() const { return batch_; }

 private:
  RunOptions stoppable(RunOptions options) const;
  void prepare(const RunOptions& options);
  HeadInputs training_inputs() const;
  HeadTrainingData training_data() const;
  void train_head(const RunOptions& options, const TrainingCallback& on_epoch);
  void train_network(const RunOptions& options, const TrainingCallback& on_epoch);
  ModelCard trained_card(const RunOptions& options) const;

  std::shared_ptr<const Model> base_, model_;
  Batch batch_;
  TrainingTable table_;
  Settings settings_;
  HeadInputs inputs_;
  std::vector<float> beside_;  // HeadTrainingData's
  std::optional<HeadTrainingResult> result_;
  std::atomic<bool> cancelled_{false};
  bool started_ = false;
};

}  // namespace molrt
