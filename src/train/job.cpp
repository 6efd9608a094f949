#include "train/job.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "model/folds.h"
#include "train/counted.h"
#include "train/fingerprint.h"
#include "train/input_settings.h"
#include "train/mc_settings.h"
#include "train/method.h"
#include "train/network_training.h"
#include "train/rdrop.h"
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

constexpr const char* encoder_learnt = "encoder_learnt";  // in a model's provenance

// Whether what a run begins with was fitted to measured values; an encoder that comes with a head
// from elsewhere mostly was.
bool has_learnt(const Model& base, bool with_head) {
  const auto provenance = nlohmann::json::parse(base.card().provenance);
  const bool foreign = base.card().settings == "{}" && base.card().folds() > 0;
  return with_head || foreign ||
         (provenance.is_object() && provenance.value(encoder_learnt, false));
}

std::string with_encoder_learnt(const std::string& provenance) {
  auto json = nlohmann::ordered_json::parse(provenance);
  if (json.is_object()) json[encoder_learnt] = true;
  return json.dump();
}

// Networks of a k-fold base that no network of the run begins with.
std::string unused_networks(const Model& base, const Settings& settings) {
  const auto base_networks = static_cast<int64_t>(base.heads().size());
  const int64_t members = settings.i64("folds") * settings.i64("seeds");
  const bool used = !encoder_is_frozen(settings) || read_run_settings(settings).continue_head;
  if (!used || members >= base_networks) return "";
  return fmt::format(
      "the base model has {} networks, and this run's {} go{} on with the first {} alone: give as "
      "many folds or seeds to use them all",
      base_networks, members, members == 1 ? "es" : "", members);
}

// What frozen layers leave without effect, known once there is a base: an error if the user set it,
// else set to what runs.
void settle_frozen(const Model& base, Settings& settings) {
  const NetworkSettings network = read_network_settings(settings);
  check_frozen(base, network);
  const int layers = base.card().architecture.layers, quiet = quiet_layers(base, network);
  if (quiet == 0) return;
  if (settings.is_set("emb_dropout") && settings.f64("emb_dropout") > 0)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "setting 'emb_dropout' would have no effect: freeze.prefix holds the embedding and {} "
         "layer{} above it, and freeze.mode=eval leaves them without dropout",
         quiet, quiet == 1 ? "" : "s");
  if (why_no_dropout(settings).empty()) settings.set_f64("emb_dropout", 0);
  if (settings.text("predict") != "det" && !dropout_rates(settings, layers, quiet).any())
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "setting 'predict' would have no effect: all layers are frozen without dropout "
         "(freeze.mode=eval), and pooler_dropout is 0");
}

Counted count_for(const Model& base, const Settings& settings) {
  const int layers = base.card().architecture.layers;
  const bool frozen = encoder_is_frozen(settings);
  const int quiet = frozen ? layers : quiet_layers(base, read_network_settings(settings));
  return count_run(settings, layers, quiet);
}

// Lets the methods see the names of what will be trained, which they may refuse.
void try_methods(const Model& base, const Settings& settings) {
  std::vector<TrainedTensor> tensors;
  const NetworkSettings network = read_network_settings(settings);
  if (!encoder_is_frozen(settings))
    for (const auto& [name, tensor] : encoder_only(tensors_of_fold(base.tensors(), 0)))
      if (!is_frozen_by(network, name)) tensors.push_back({name, {}, {}});
  for (const char* name : head_tensor_names) tensors.push_back({name, {}, {}});
  const auto methods = make_methods(settings);
  const Counted counted = count_for(base, settings);
  const int frozen = encoder_is_frozen(settings) ? 0 : frozen_layers(base, network);
  for (const auto& method : *methods) {
    method->on_start(tensors);
    method->on_check(counted, frozen);
  }
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
  if (!encoder_is_frozen(settings_)) settle_frozen(*base_, settings_);
  try_methods(*base_, settings_);
}

void Job::set_checkpoint(std::string directory, bool resume) {
  checkpoint_directory_ = std::move(directory);
  resume_ = resume;
}

void Job::set_unlabelled(Batch batch) {
  if (batch.columns().names != batch_.columns().names)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "the molecules without values have other columns ({}) than the others ({})",
         quoted(batch.columns().names), quoted(batch_.columns().names));
  if (batch.size() >= most_rows)
    fail(MOLRT_ERROR_UNSUPPORTED, "{} molecules without values; fewer than {} can be trained on",
         batch.size(), most_rows);
  take_unlabelled(settings_);
  unlabelled_ = std::move(batch);
}

void Job::set_unit(size_t target, std::string unit) {
  if (is_classification(task_of(settings_)) && !unit.empty())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "unit '{}': classes have none (the task is {})", unit,
         task_name(task_of(settings_)));
  table_.units[target] = std::move(unit);
}

Settings Job::settings() const {
  Settings settings = settings_;
  if (started_) return settings;
  choose_inputs(settings);
  RowColumns(columns_).settle(settings);
  return settings;
}

void Job::choose_inputs(Settings& settings) const {
  bool has_bonds = true;
  for (const Batch* batch : {&batch_, unlabelled_ ? &*unlabelled_ : nullptr})
    for (size_t row = 0; batch && row < batch->size(); ++row) has_bonds &= !batch->is_atoms(row);
  const bool continues = read_run_settings(settings).continue_head;
  settle_inputs(settings, has_bonds, continues ? &base_->card().inputs.descriptors : nullptr);
}

std::string Job::counted() const { return counted_json(settings_, count_for(*base_, settings_)); }

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
  if (const auto unused = unused_networks(*base_, settings_); !unused.empty())
    data.warnings.push_back(unused);
  data.counted = counted();
  for (std::string& warning : method_warnings(settings_))
    data.warnings.push_back(std::move(warning));
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
  if (unlabelled_)
    checkpoint_->check_fact("molecules without values", molecule_facts(*unlabelled_));
  checkpoint_->check_fact("columns", column_facts(data));
  return checkpoint_.get();
}

void Job::remove_checkpoint() {
  if (started_ && !checkpoint_directory_.empty()) Checkpoint::remove(checkpoint_directory_);
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
  if (!encoder_is_frozen(settings_)) card.provenance = with_encoder_learnt(card.provenance);
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
  beside_.clear();
  add_beside(batch_, data);
  if (unlabelled_) make_unlabelled(options, data);
  data.beside = beside_;
}

// Those that can be used after the last run of the network.
void Job::find_conformers(HeadTrainingData& data) const {
  const std::vector<size_t> counts = batch_.conformer_counts();
  if (!unlabelled_) {
    data.conformers = ConformerTable(counts);
    return;
  }
  data.conformers = ConformerTable(counts, unlabelled_->conformer_counts());
  data.unlabelled_rows = unlabelled_->size();
  for (size_t row = 0; row < unlabelled_->size(); ++row)
    if (!unlabelled_->features(row).empty()) data.unlabelled.push_back(first_unlabelled_row + row);
  if (data.unlabelled.empty())
    fail(MOLRT_ERROR_DATA, "none of the {} molecules without values can be used; the first: {}",
         unlabelled_->size(), unlabelled_->size() == 0 ? "there is none" : unlabelled_->message(0));
}

// Behind those that there are, of each row; NaN where a row has none.
void Job::add_beside(const Batch& batch, const HeadTrainingData& data) {
  const size_t first = beside_.size(), width = data.inputs.size();
  beside_.resize(first + batch.size() * width, std::numeric_limits<float>::quiet_NaN());
  for (size_t row = 0; row < batch.size(); ++row)
    if (batch.row(row).status == MOLRT_ROW_OK)
      std::ranges::copy(batch.inputs(row), beside_.begin() + first + row * width);
}

void Job::make_unlabelled(const RunOptions& options, const HeadTrainingData& data) {
  unlabelled_->prepare(*base_, options);
  unlabelled_->compute_inputs(data.inputs, options);
  add_beside(*unlabelled_, data);
}

HeadTrainingResult Job::train_head(const RunOptions& options, HeadTrainingData data,
                                   TrainingRun run) {
  make_molecules(stoppable(options), data);
  std::vector<float> cls = batch_.represent(*base_, stoppable(options));
  if (unlabelled_) {
    const std::vector<float> more = unlabelled_->represent(*base_, stoppable(options));
    cls.insert(cls.end(), more.begin(), more.end());
  }
  find_conformers(data);
  run.checkpoint = describe_molecules(options, data);
  data.representations = cls;
  return train_heads(data, settings_, run);
}

HeadTrainingResult Job::train_network(const RunOptions& options, HeadTrainingData data,
                                      TrainingRun run) {
  make_molecules(stoppable(options), data);
  find_conformers(data);
  run.checkpoint = describe_molecules(options, data);
  TrainingMolecules molecules;
  for (size_t row = 0; row < batch_.size(); ++row)
    for (const Features* features : batch_.features(row)) molecules.push_back(features);
  for (size_t row = 0; unlabelled_ && row < unlabelled_->size(); ++row)
    for (const Features* features : unlabelled_->features(row)) molecules.push_back(features);
  return train_networks(*base_, data, molecules, settings_, run);
}

namespace {

struct ReleasesLock {
  std::unique_ptr<Checkpoint>& checkpoint;
  ~ReleasesLock() { checkpoint.reset(); }
};

}  // namespace

void Job::run(RunOptions options, const TrainingCallback& progress) {
  check_unlabelled(settings_, unlabelled_.has_value());
  options.precision = precision_of(settings_);
  started_ = true;
  choose_inputs(settings_);
  columns_.settle(settings_);
  const HeadTrainingData data = training_data();
  check_labels(data, read_head_settings(settings_));
  open_checkpoint(data);
  const ReleasesLock release{checkpoint_};
  const TrainingRun run{options.threads, progress, [this] { return cancelled_.load(); }};
  result_ = encoder_is_frozen(settings_) ? train_head(options, data, run)
                                         : train_network(options, data, run);
  model_ = std::make_shared<Model>(trained_model(options));
  if (result_->interrupted)
    fail(MOLRT_ERROR_CANCELLED, "the training was cancelled; its model is the best so far");
}

}  // namespace molrt
