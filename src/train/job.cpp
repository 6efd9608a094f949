#include "train/job.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "model/folds.h"
#include "train/input_settings.h"
#include "train/network_training.h"

namespace molrt {

Job::Job(std::shared_ptr<const Model> base, Batch batch, TrainingTable table, Settings settings)
    : base_(std::move(base)),
      batch_(std::move(batch)),
      table_(std::move(table)),
      settings_(std::move(settings)) {
  base_->require_one_encoder();
  settings_.validate();  // before the encoder's pass, which may take hours
}

RunOptions Job::stoppable(RunOptions options) const {
  options.progress = [this, outer = options.progress](int stage, size_t done, size_t total) {
    return cancelled_ || (outer && outer(stage, done, total));
  };
  return options;
}

HeadInputs Job::training_inputs() const {
  HeadInputs inputs;
  inputs.columns = batch_.columns().names;
  inputs.descriptors = read_descriptor_list(settings_);
  if (inputs.descriptors.size() > 0) inputs.rdkit = rdkit_version();
  return inputs;
}

// Conformers, and what stands beside them.
void Job::prepare(const RunOptions& options) {
  batch_.prepare(*base_, options);
  inputs_ = training_inputs();
  batch_.compute_inputs(inputs_, options);
  beside_.assign(batch_.size() * inputs_.size(), std::numeric_limits<float>::quiet_NaN());
  for (size_t row = 0; row < batch_.size(); ++row)
    if (batch_.row(row).status == MOLRT_ROW_OK)
      std::ranges::copy(batch_.inputs(row), beside_.begin() + row * inputs_.size());
}

HeadTrainingData Job::training_data() const {
  std::vector<size_t> conformers;
  for (size_t row = 0; row < batch_.size(); ++row)
    conformers.push_back(batch_.features(row).size());
  HeadTrainingData data;
  data.conformers = ConformerTable(conformers);
  data.inputs = inputs_;
  data.beside = beside_;
  data.rows = batch_.size();
  data.width = base_->card().architecture.width;
  data.targets = static_cast<int>(table_.target_names.size());
  data.values = table_.values;
  data.target_names = table_.target_names;
  return data;
}

// The model takes at prediction what it was trained on.
ModelCard Job::trained_card(const RunOptions& options) const {
  ModelCard card = base_->card();
  if (options.max_atoms > 0) card.max_atoms = options.max_atoms;
  card.task = Task::regression;
  card.thresholds.clear();
  card.head = result_->folds[0].head.kind;
  card.inputs = inputs_;
  if (inputs_.size() > 0)
    for (const TrainedHead& fold : result_->folds) card.inputs.scalers.push_back(fold.inputs);
  card.targets = table_.target_names;
  card.scalers.clear();
  for (const TrainedHead& fold : result_->folds) card.scalers.push_back(fold.scalers);
  card.settings = settings_.to_json();
  card.training = result_->report;
  return card;
}

void Job::train_head(const RunOptions& options, const TrainingCallback& on_epoch) {
  prepare(stoppable(options));
  const std::vector<float> cls = batch_.represent(*base_, stoppable(options));
  HeadTrainingData data = training_data();
  data.representations = cls;
  result_ =
      train_heads(data, settings_, options.threads, on_epoch, [this] { return cancelled_.load(); });
  std::vector<Head> heads;
  for (const TrainedHead& fold : result_->folds) heads.push_back(fold.head);
  model_ = std::make_shared<Model>(base_->with_heads(trained_card(options), std::move(heads)));
}

void Job::train_network(const RunOptions& options, const TrainingCallback& on_epoch) {
  base_->require_one_encoder();
  prepare(stoppable(options));
  TrainingMolecules molecules;
  for (size_t row = 0; row < batch_.size(); ++row)
    for (const Features* features : batch_.features(row)) molecules.push_back(features);
  NetworkTrainingResult result =
      train_networks(*base_, training_data(), molecules, settings_, options.threads, on_epoch,
                     [this] { return cancelled_.load(); });
  result_ = std::move(result.heads);
  for (size_t i = 0; i < result.encoders.size(); ++i)
    write_head(result_->folds[i].head, result.encoders[i]);
  model_ = std::make_shared<Model>(trained_card(options), merge_folds(result.encoders), "the job");
}

void Job::run(RunOptions options, const TrainingCallback& on_epoch) {
  started_ = true;
  if (encoder_is_frozen(settings_))
    train_head(options, on_epoch);
  else
    train_network(options, on_epoch);
}

}  // namespace molrt
