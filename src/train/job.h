#pragma once
// One training run: molecules and values in, a new model out.
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "model/batch.h"
#include "train/checkpoint.h"
#include "train/head_training.h"
#include "train/row_columns.h"

namespace molrt {

struct TrainingTable {
  std::vector<double> values;             // [rows, targets]; NaN: no value
  std::vector<std::string> target_names;  // [targets]
  std::vector<std::string> units;         // [targets]; "": not known
};

class Job {
 public:
  // The base model is shared and never changed; the batch and the settings are copies.
  Job(std::shared_ptr<const Model> base, Batch batch, TrainingTable table, Settings settings);

  // Before run().
  RowColumns& columns() { return columns_; }
  // Keeps what it has done in a directory, and goes on with what is there (train/checkpoint.h).
  void set_checkpoint(std::string directory, bool resume);
  // Representations once, then heads; or whole networks. Both callbacks are called on this thread;
  // true stops: CANCELLED, with the best model so far if there is one.
  void run(RunOptions options, const TrainingCallback& progress);
  // Molecules without values, for rdrop.u_mode, which is joint unless it is set. INVALID_ARGUMENT
  // without R-Drop, or for other columns than the job's.
  void set_unlabelled(Batch batch);
  // INVALID_ARGUMENT for classes.
  void set_unit(size_t target, std::string unit);
  size_t targets() const { return table_.target_names.size(); }
  void cancel() { cancelled_ = true; }  // from any thread
  void remove_checkpoint();             // once its model is safe

  bool done() const { return result_.has_value(); }
  bool started() const { return started_; }
  std::shared_ptr<const Model> model() const { return model_; }
  const HeadTrainingResult& result() const { return *result_; }
  const Batch& batch() const { return batch_; }
  const Model& base() const { return *base_; }
  const TrainingTable& table() const { return table_; }
  // As they run, or will; INVALID_ARGUMENT if they do not go with the columns.
  Settings settings() const;
  std::string counted() const;  // train/counted.h

 private:
  RunOptions stoppable(RunOptions options) const;
  HeadTrainingData training_data() const;
  void choose_inputs(Settings& settings) const;
  HeadInputs training_inputs() const;
  void make_molecules(const RunOptions& options, HeadTrainingData& data);
  void make_unlabelled(const RunOptions& options, const HeadTrainingData& data);
  void find_conformers(HeadTrainingData& data) const;
  void add_beside(const Batch& batch, const HeadTrainingData& data);
  HeadTrainingResult train_head(const RunOptions& options, HeadTrainingData data, TrainingRun run);
  HeadTrainingResult train_network(const RunOptions& options, HeadTrainingData data,
                                   TrainingRun run);
  void open_checkpoint(const HeadTrainingData& data);
  const Checkpoint* describe_molecules(const RunOptions& options, HeadTrainingData& data);
  ModelCard trained_card(const RunOptions& options) const;
  Model trained_model(const RunOptions& options) const;

  std::shared_ptr<const Model> base_, model_;
  Batch batch_;
  std::optional<Batch> unlabelled_;
  TrainingTable table_;
  RowColumns columns_;
  Settings settings_;
  std::vector<float> beside_;         // HeadTrainingData's
  std::string checkpoint_directory_;  // empty: none
  bool resume_ = false;
  std::unique_ptr<Checkpoint> checkpoint_;
  std::optional<HeadTrainingResult> result_;
  std::atomic<bool> cancelled_{false};
  bool started_ = false;
};

}  // namespace molrt
