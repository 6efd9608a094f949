#include "train/job.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "model/folds.h"
#include "train/fingerprint.h"
#include "train/input_settings.h"
#include "train/network_training.h"
#include "train/rows.h"
#include "train/run_settings.h"
#include "train/task_plan.h"

namespace molrt {
namespace {

std::string quoted(const std::vector<std::string>& names) {
  return fmt::format("'{}'", fmt::join(names, "', '"));
}

std::string inputs_text(const HeadInputs& inputs) {
  return fmt::format("columns: {}; descriptors: {}; Morgan counts: {} of radius {}",
                     inputs.columns.empty() ? "none" : quoted(inputs.columns),
                     inputs.descriptors.names.size(), inputs.descriptors.morgan_bits,
                     inputs.descriptors.morgan_radius);
}

constexpr const char* of_learnt_base =
    "the base model has learnt from measured values before: where it has seen molecules that are "
    "held out here, the held-out errors are too small";

// Whether what a run begins with was fitted to measured values.
bool has_learnt(const Model& base, bool with_head) {
  const auto settings = nlohmann::json::parse(base.card().settings);
  if (settings.empty()) return false;
  return with_head || settings.value("freeze.prefix", "encoder") != "encoder";
}

// The base model's heads and scalings, to go on with.
std::vector<StartingPoint> starting_points(const Model& base, Task task,
                                           std::vector<std::string> targets,
                                           const HeadInputs& inputs) {
  const ModelCard& card = base.card();
  if (task == Task::multiclass && targets.size() == 1)
    targets = class_output_names(targets[0], card.targets.size());
  if (card.folds() == 0)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "setting 'head_init' is base, but the base model has no head to go on with");
  if (card.task != task || card.targets != targets)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "setting 'head_init' is base: expected the base model's {} {}, found {} {}",
         task_name(card.task), quoted(card.targets), task_name(task), quoted(targets));
  if (card.inputs.columns != inputs.columns || card.inputs.descriptors != inputs.descriptors)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "setting 'head_init' is base: the base model's head reads other inputs beside the "
         "representation ({}) than this run's ({})",
         inputs_text(card.inputs), inputs_text(inputs));
  std::vector<StartingPoint> points;
  for (size_t i = 0; i < base.heads().size(); ++i)
    points.push_back({base.heads()[i], inputs.size() > 0 ? card.inputs.scalers[i] : InputScaler{},
                      card.scalers[i]});
  return points;
}

}  // namespace

Job::Job(std::shared_ptr<const Model> base, Batch batch, TrainingTable table, Settings settings)
    : base_(std::move(base)),
      batch_(std::move(batch)),
      table_(std::move(table)),
      columns_(batch_.size()),
      settings_(std::move(settings)) {
  settings_.validate();  // before the encoder's pass, which may take hours
  if (!encoder_is_frozen(settings_)) check_frozen(*base_, read_network_settings(settings_));
}

void Job::set_checkpoint(std::string directory, bool resume) {
  checkpoint_directory_ = std::move(directory);
  resume_ = resume;
}

void Job::set_unit(size_t target, std::string unit) {
  if (is_classification(task_of(settings_)) && !unit.empty())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "unit '{}': classes have none (the task is {})", unit,
         task_name(task_of(settings_)));
  table_.units[target] = std::move(unit);
}

Settings Job::settings() const {
  Settings settings = settings_;
  if (!started_) RowColumns(columns_).settle(settings);
  return settings;
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

HeadTrainingData Job::training_data() const {
  HeadTrainingData data;
  data.rows = batch_.size();
  data.width = base_->card().architecture.width;
  data.targets = static_cast<int>(table_.target_names.size());
  data.values = table_.values;
  data.target_names = table_.target_names;
  data.inputs = training_inputs();
  data.base_folds = std::max<size_t>(1, base_->heads().size());
  if (read_run_settings(settings_).continue_head)
    data.starts = starting_points(*base_, task_of(settings_), table_.target_names, data.inputs);
  if (has_learnt(*base_, !data.starts.empty())) data.warnings.push_back(of_learnt_base);
  return data;
}

void Job::open_checkpoint(const HeadTrainingData& data) {
  if (checkpoint_directory_.empty()) return;
  checkpoint_ = std::make_unique<Checkpoint>(checkpoint_directory_,
                                             run_facts(*base_, data, batch_, settings_), resume_);
}

// Once the batch has its molecules.
const Checkpoint* Job::describe_molecules(const RunOptions& options, HeadTrainingData& data) {
  columns_.describe_molecules(batch_, settings_, options.threads,
                              [this] { return cancelled_.load(); });
  columns_.give(data);
  if (!checkpoint_) return nullptr;
  checkpoint_->check_fact("molecules", molecule_facts(batch_));
  checkpoint_->check_fact("columns", column_facts(data));
  return checkpoint_.get();
}

void Job::remove_checkpoint() {
  if (checkpoint_) checkpoint_->remove();
}

// The model takes at prediction what it was trained on.
ModelCard Job::trained_card(const RunOptions& options) const {
  ModelCard card = base_->card();
  if (options.max_atoms > 0) card.max_atoms = options.max_atoms;
  card.task = result_->plan.task;
  card.thresholds = result_->thresholds;
  card.head = result_->folds[0].head.kind;
  card.inputs = training_inputs();
  if (card.inputs.size() > 0)
    for (const TrainedHead& fold : result_->folds) card.inputs.scalers.push_back(fold.inputs);
  card.targets = result_->plan.outputs;
  card.scalers.clear();
  for (const TrainedHead& fold : result_->folds) card.scalers.push_back(fold.scalers);
  card.units = card.task == Task::regression ? table_.units : std::vector<std::string>();
  card.uncertainty = result_->uncertainty;
  card.settings = settings_.to_json();
  card.training = result_->report;
  return card;
}

Model Job::trained_model(const RunOptions& options) const {
  std::vector<Head> heads;
  std::vector<TensorMap> networks;
  for (const TrainedHead& member : result_->folds) {
    heads.push_back(member.head);
    networks.push_back(member.encoder);
    write_head(member.head, networks.back());
  }
  if (result_->folds[0].encoder.empty())
    return base_->with_heads(trained_card(options), std::move(heads));
  return Model(trained_card(options), merge_folds(networks), "the job");
}

// Conformers, and what stands beside them.
void Job::make_molecules(const RunOptions& options, HeadTrainingData& data) {
  batch_.prepare(*base_, options);
  batch_.compute_inputs(data.inputs, options);
  beside_.assign(batch_.size() * data.inputs.size(), std::numeric_limits<float>::quiet_NaN());
  for (size_t row = 0; row < batch_.size(); ++row)
    if (batch_.row(row).status == MOLRT_ROW_OK)
      std::ranges::copy(batch_.inputs(row), beside_.begin() + row * data.inputs.size());
  data.beside = beside_;
}

HeadTrainingResult Job::train_head(const RunOptions& options, HeadTrainingData data,
                                   TrainingRun run) {
  make_molecules(stoppable(options), data);
  const std::vector<float> cls = batch_.represent(*base_, stoppable(options));
  data.conformers = ConformerTable(batch_.conformer_counts());
  run.checkpoint = describe_molecules(options, data);
  data.representations = cls;
  return train_heads(data, settings_, run);
}

HeadTrainingResult Job::train_network(const RunOptions& options, HeadTrainingData data,
                                      TrainingRun run) {
  make_molecules(stoppable(options), data);
  data.conformers = ConformerTable(batch_.conformer_counts());
  run.checkpoint = describe_molecules(options, data);
  TrainingMolecules molecules;
  for (size_t row = 0; row < batch_.size(); ++row)
    for (const Features* features : batch_.features(row)) molecules.push_back(features);
  return train_networks(*base_, data, molecules, settings_, run);
}

void Job::run(RunOptions options, const TrainingCallback& progress) {
  started_ = true;
  columns_.settle(settings_);
  const HeadTrainingData data = training_data();
  check_labels(data, read_head_settings(settings_));
  open_checkpoint(data);
  const TrainingRun run{options.threads, progress, [this] { return cancelled_.load(); }};
  result_ = encoder_is_frozen(settings_) ? train_head(options, data, run)
                                         : train_network(options, data, run);
  model_ = std::make_shared<Model>(trained_model(options));
  if (result_->interrupted)
    fail(MOLRT_ERROR_CANCELLED, "the training was cancelled; its model is the best so far");
}

}  // namespace molrt
