#include "train/job.h"

#include "base/error.h"

namespace molrt {

Job::Job(std::shared_ptr<const Model> base, Batch batch, TrainingTable table, Settings settings)
    : base_(std::move(base)),
      batch_(std::move(batch)),
      table_(std::move(table)),
      settings_(std::move(settings)) {
  base_->require_one_encoder();
  settings_.validate();  // before the encoder's pass, which may take hours
}

std::vector<float> Job::representations(RunOptions options) {
  std::vector<float> cls(batch_.size() * base_->card().architecture.width);
  options.progress = [this, outer = options.progress](int stage, size_t done, size_t total) {
    return cancelled_ || (outer && outer(stage, done, total));
  };
  batch_.embed(*base_, options, cls.data(), nullptr, 0);
  return cls;
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
  card.settings = settings_.to_json();
  card.training = result_->report;
  return card;
}

void Job::run(RunOptions options, const TrainingCallback& on_epoch) {
  started_ = true;
  const std::vector<float> cls = representations(options);
  HeadTrainingData data;
  data.rows = batch_.size();
  data.width = base_->card().architecture.width;
  data.targets = static_cast<int>(table_.target_names.size());
  data.representations = cls;
  data.values = table_.values;
  data.target_names = table_.target_names;
  HeadTrainingResult result =
      train_heads(data, settings_, options.threads, on_epoch, [this] { return cancelled_.load(); });
  result_ = std::move(result);
  std::vector<Head> heads;
  for (const TrainedHead& fold : result_->folds) heads.push_back(fold.head);
  model_ = std::make_shared<Model>(base_->with_heads(trained_card(options), std::move(heads)));
}

}  // namespace molrt
