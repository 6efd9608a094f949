#include "pretrain/pretraining.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/sha256.h"
#include "pretrain/geometry_archive.h"
#include "train/fingerprint.h"
#include "train/shuffle.h"

namespace molrt {
namespace {

using nlohmann::json;

constexpr size_t most_held_out = 4096;
constexpr size_t block = 4096;  // molecules read from an archive at a time
constexpr const char* provenance_key = "pretraining";

}  // namespace

Pretraining::Pretraining(std::shared_ptr<const Model> start, std::vector<std::string> targets,
                         Settings settings)
    : start_(std::move(start)), targets_(std::move(targets)), settings_(std::move(settings)) {
  settings_.validate();
  if (targets_.empty() && settings_.is_set("loss.supervised"))
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "setting 'loss.supervised' would have no effect: there are no targets");
  start_->require_one_encoder();
  s_ = read_pretrain_settings(settings_);
}

void Pretraining::set_checkpoint(std::string directory, bool resume) {
  checkpoint_directory_ = std::move(directory);
  resume_ = resume;
}

void Pretraining::remove_checkpoint() {
  if (started_ && !checkpoint_directory_.empty()) Checkpoint::remove(checkpoint_directory_);
}

Corpus& Pretraining::corpus() {
  if (!corpus_) corpus_ = std::make_unique<Corpus>(targets_.size(), "");
  return *corpus_;
}

void Pretraining::exclude(const std::string& smiles) {
  if (corpus().size() > 0)
    fail(MOLRT_ERROR_STATE, "molecules were added already; what is excluded is told before");
  corpus().exclude(smiles);
}

namespace {

template <typename Add>
auto whole_or_none(Corpus& corpus, const Add& add) {
  const Corpus::Mark before = corpus.mark();
  try {
    return add();
  } catch (...) {
    corpus.go_back(before);
    throw;
  }
}

std::vector<CorpusMolecule> next_block(GeometryArchive& archive) {
  std::vector<CorpusMolecule> molecules;
  for (CorpusMolecule one; molecules.size() < block && archive.next(one);) molecules.push_back(one);
  return molecules;
}

}  // namespace

Corpus::Added Pretraining::add_archive(const std::string& path, int threads,
                                       const ReadCallback& progress) {
  const PretrainSource source =
      whole_or_none(corpus(), [&] { return read_archive(path, threads, progress); });
  sources_.push_back(source);
  return source.added;
}

PretrainSource Pretraining::read_archive(const std::string& path, int threads,
                                         const ReadCallback& progress) {
  GeometryArchive archive(path, targets_);
  if (corpus().excludes() && !archive.has_smiles())
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "{}: it has no array 'smiles', by which the molecules that are excluded could be told",
         path);
  PretrainSource source{std::filesystem::path(path).filename(), "", 0, {}};
  std::vector<CorpusMolecule> molecules;
  size_t done = 0;
  do {
    if (cancelled_ || progress(done, archive.size()))
      fail(MOLRT_ERROR_CANCELLED, "cancelled while reading {}", path);
    molecules = next_block(archive);
    check_labels(molecules);
    source.added += corpus().add(molecules, *start_, threads);
    done += molecules.size();
  } while (!molecules.empty());
  const auto bytes = ByteSource::open_file(path);
  source.sha256 = sha256(*bytes);
  source.bytes = bytes->size();
  return source;
}

// A value beyond float32 is infinite here.
void Pretraining::check_labels(const std::vector<CorpusMolecule>& molecules) const {
  for (const CorpusMolecule& molecule : molecules)
    for (size_t t = 0; t < targets_.size(); ++t)
      if (std::isinf(molecule.labels[t]))
        fail(MOLRT_ERROR_DATA,
             "target '{}': a value is infinite or beyond float32; expected NaN where it is not "
             "known",
             targets_[t]);
}

namespace {

CorpusMolecule molecule_of(const Batch& batch, size_t row, std::span<const float> labels) {
  CorpusMolecule molecule;
  if (!batch.is_atoms(row)) molecule.text = batch.text(row);
  molecule.labels.assign(labels.begin(), labels.end());
  for (size_t k = 0; k < batch.conformers(row); ++k) {
    const Conformer& conformer = batch.conformer(row, k);
    molecule.atomic_numbers = conformer.atomic_numbers;
    molecule.conformers.push_back(conformer.coordinates);
  }
  return molecule;
}

}  // namespace

Corpus::Added Pretraining::add_batch(const Batch& batch, std::span<const float> labels,
                                     int threads) {
  std::vector<CorpusMolecule> molecules;
  Corpus::Added failed;
  const std::vector<float> none(targets_.size(), NAN);
  for (size_t row = 0; row < batch.size(); ++row) {
    const auto own = labels.empty() ? std::span<const float>(none)
                                    : labels.subspan(row * targets_.size(), targets_.size());
    if (batch.row(row).status == MOLRT_ROW_OK)
      molecules.push_back(molecule_of(batch, row, own));
    else if (failed.unusable++ == 0)
      failed.first_unusable = batch.message(row);
  }
  check_labels(molecules);
  Corpus::Added added =
      whole_or_none(corpus(), [&] { return corpus().add(molecules, *start_, threads); });
  added += failed;
  if (sources_.empty() || !sources_.back().sha256.empty() || sources_.back().name != "molecules")
    sources_.push_back({"molecules", "", 0, {}});
  sources_.back().added += added;
  return added;
}

// The same molecule's fate in all sources, whatever their order.
bool Pretraining::is_held_out(size_t molecule) const {
  const uint64_t identity = corpus_->identity(molecule);
  const uint32_t bits =
      random_u32(random_key(s_.seed, 0), static_cast<uint32_t>(identity),
                 static_cast<uint32_t>(identity >> 32), random_purpose(Purpose::split), 0);
  return bits < bernoulli_threshold(s_.holdout);
}

void Pretraining::divide() {
  if (!corpus_ || corpus_->size() == 0)
    fail(MOLRT_ERROR_DATA, "there are no molecules to pre-train on");
  if (corpus_->size() > UINT32_MAX)
    fail(MOLRT_ERROR_UNSUPPORTED, "{} molecules are more than 4294967295", corpus_->size());
  for (size_t i = 0; i < corpus_->size(); ++i) (is_held_out(i) ? held_out_ : train_).push_back(i);
  if (train_.size() < s_.batch_size)
    fail(MOLRT_ERROR_DATA,
         "{} molecules are left to train on ({} are held out), and setting 'batch_size' is {}",
         train_.size(), held_out_.size(), s_.batch_size);
  held_out_ = shuffled(held_out_, random_key(s_.seed, 1), ShuffleStream::split, 0);
  if (held_out_.size() > most_held_out) held_out_.resize(most_held_out);
}

// Of the molecules in training.
void Pretraining::learn_scalings() {
  scalings_.assign(targets_.size(), {});
  if (targets_.empty()) return;
  std::vector<double> sums(targets_.size()), squares(targets_.size());
  for (const size_t molecule : train_) {
    const CorpusMolecule m = corpus_->read(molecule);
    for (size_t t = 0; t < targets_.size(); ++t) {
      if (!std::isfinite(m.labels[t])) continue;
      ++scalings_[t].count;
      sums[t] += m.labels[t];
      squares[t] += double{m.labels[t]} * m.labels[t];
    }
  }
  for (size_t t = 0; t < targets_.size(); ++t) {
    LabelScaling& scaling = scalings_[t];
    const auto n = static_cast<double>(scaling.count);
    if (scaling.count == 0)
      fail(MOLRT_ERROR_DATA, "target '{}': no molecule in training has a value", targets_[t]);
    scaling.mean = sums[t] / n;
    scaling.deviation = std::sqrt(std::max(squares[t] / n - scaling.mean * scaling.mean, 0.));
    if (!(scaling.deviation > 1e-9 * std::fabs(scaling.mean)))
      fail(MOLRT_ERROR_DATA, "target '{}': all {} values are {}", targets_[t], scaling.count,
           scaling.mean);
  }
  if (const auto kept = scalings_of_start()) {
    for (size_t t = 0; t < targets_.size(); ++t) {
      scalings_[t].mean = (*kept)[t].mean;
      scalings_[t].deviation = (*kept)[t].deviation;
    }
  }
}

// Where the start was pre-trained on the same targets.
std::optional<std::vector<LabelScaling>> Pretraining::scalings_of_start() const try {
  const json before = json::parse(start_->card().provenance).at(provenance_key).at("targets");
  std::vector<LabelScaling> scalings;
  for (size_t t = 0; t < before.size(); ++t) {
    if (t >= targets_.size() || before[t].at("name") != targets_[t]) return std::nullopt;
    scalings.push_back({before[t].at("mean"), before[t].at("deviation"), 0});
  }
  if (scalings.size() != targets_.size()) return std::nullopt;
  return scalings;
} catch (const json::exception&) {
  return std::nullopt;
}

json Pretraining::facts() const {
  json targets = json::array();
  for (const std::string& name : targets_) targets.push_back(name);
  return {{"settings", json::parse(settings_.to_json())},
          {"start", {{"crc32", crc_of(start_->tensors())}}},
          {"targets", targets},
          {"molecules", {{"count", corpus_->size()}, {"crc32", corpus_->crc()}}}};
}

void Pretraining::run(int threads, const PretrainCallback& progress) {
  started_ = true;
  divide();
  learn_scalings();
  std::optional<Checkpoint> checkpoint;
  if (!checkpoint_directory_.empty()) checkpoint.emplace(checkpoint_directory_, facts(), resume_);
  const PretrainData data{*start_, *corpus_, train_, held_out_, scalings_};
  const PretrainCallback stop = [&](const PretrainProgress& p) {
    return progress(p) || cancelled_;
  };
  PretrainLoop loop(data, s_, threads,
                    checkpoint ? MemberCheckpoint(*checkpoint, 0) : MemberCheckpoint(), stop);
  const bool whole = loop.run();
  steps_done_ = loop.steps_done();
  history_ = loop.history();
  model_ = std::make_shared<Model>(trained_model(loop.tensors()));
  if (!whole)
    fail(MOLRT_ERROR_CANCELLED, "the pre-training was cancelled; its model is the one so far");
}

Model Pretraining::trained_model(TensorMap tensors) const {
  ModelCard card;
  const ModelCard& before = start_->card();
  card.architecture = before.architecture;
  card.dictionary_text = before.dictionary_text;
  card.layout = before.layout;
  card.hydrogens = before.hydrogens;
  card.max_atoms = before.max_atoms;
  card.provenance = provenance();
  return Model(std::move(card), std::move(tensors), "the pre-training");
}

std::string Pretraining::provenance() const {
  nlohmann::ordered_json own;
  own["steps"] = steps_done_;
  own["settings"] = nlohmann::ordered_json::parse(settings_.to_json());
  own["molecules"] = {{"training", train_.size()}, {"held_out", held_out_.size()}};
  own["sources"] = nlohmann::ordered_json::array();
  for (const PretrainSource& source : sources_) own["sources"].push_back(to_json(source));
  own["targets"] = nlohmann::ordered_json::array();
  for (size_t t = 0; t < targets_.size(); ++t)
    own["targets"].push_back({{"name", targets_[t]},
                              {"values", scalings_[t].count},
                              {"mean", scalings_[t].mean},
                              {"deviation", scalings_[t].deviation}});
  if (!history_.empty()) {
    own["last"] = readable(history_.back(), s_.weights);
    own["last"].erase("seconds");  // the same run, the same bytes
  }
  nlohmann::ordered_json all = {{provenance_key, own}};
  const auto before = nlohmann::ordered_json::parse(start_->card().provenance);
  if (before.is_object() && before.value("untrained", false) == false) all["start"] = before;
  return all.dump();
}

std::string Pretraining::report() const {
  nlohmann::ordered_json report = nlohmann::ordered_json::parse(provenance());
  auto& history = report["history"] = nlohmann::ordered_json::array();
  for (const PretrainRecord& record : history_) history.push_back(readable(record, s_.weights));
  return report.dump();
}

}  // namespace molrt
