#include "train/job.h"

#include "base/error.h"
#include "model/folds.h"
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

HeadTrainingData Job::training_data() const {
  HeadTrainingData data;
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
  card.targets = table_.target_names;
  card.scalers.clear();
  for (const TrainedHead& fold : result_->folds) card.scalers.push_back(fold.scalers);
  card.units = table_.units;
  card.uncertainty = result_->uncertainty;
  card.settings = settings_.to_json();
  card.training = result_->report;
  return card;
}

void Job::train_head(const RunOptions& options, const TrainingCallback& on_epoch) {
  std::vector<float> cls(batch_.size() * base_->card().architecture.width);
  batch_.embed(*base_, stoppable(options), cls.data(), nullptr, 0);
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
  batch_.prepare(*base_, stoppable(options));
  TrainingMolecules molecules;
  for (size_t row = 0; row < batch_.size(); ++row) molecules.push_back(batch_.features(row));
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
