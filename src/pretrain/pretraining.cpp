#include "pretrain/pretraining.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/crc.h"
#include "base/error.h"
#include "base/sha256.h"
#include "pretrain/geometry_archive.h"
#include "pretrain/records.h"
#include "train/best.h"
#include "train/optimiser.h"
#include "train/shuffle.h"

namespace molrt {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr size_t most_held_out = 4096;
constexpr size_t block = 4096;  // molecules read from an archive at a time
constexpr const char* provenance_key = "pretraining";

// Which conformer of a molecule a step sees.
size_t choose_conformer(size_t count, PhiloxKey key, uint32_t id) {
  constexpr uint32_t stream = 1 << 16;  // apart from masking's
  const uint64_t bits = random_u32(key, id, stream, random_purpose(Purpose::pretrain), 0);
  return bits * count >> 32;
}

uint32_t crc_of(const TensorMap& tensors) {
  uint32_t crc = 0;
  for (const auto& [name, tensor] : tensors)
    crc = crc32(std::span(tensor.data, tensor.bytes()), crc32(name, crc));
  return crc;
}

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

Corpus::Added Pretraining::add_archive(const std::string& path, int threads) {
  GeometryArchive archive(path, targets_);
  if (corpus().excludes() && !archive.has_smiles())
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "{}: it has no array 'smiles', by which the molecules that are excluded could be told",
         path);
  PretrainSource source{std::filesystem::path(path).filename(), "", 0, {}};
  std::vector<CorpusMolecule> molecules(block);
  for (bool more = true; more;) {
    if (cancelled_) fail(MOLRT_ERROR_CANCELLED, "cancelled while reading {}", path);
    size_t count = 0;
    while (count < block && (more = archive.next(molecules[count]))) ++count;
    molecules.resize(count);
    source.added += corpus().add(molecules, *start_, threads);
    molecules.resize(block);
  }
  const auto bytes = ByteSource::open_file(path);
  source.sha256 = sha256(*bytes);
  source.bytes = bytes->size();
  sources_.push_back(source);
  return source.added;
}

namespace {

CorpusMolecule molecule_of(const Batch& batch, size_t row, std::span<const float> labels) {
  CorpusMolecule molecule;
  if (!batch.is_atoms(row)) molecule.smiles = batch.text(row).text;
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
  const std::vector<float> none(targets_.size(), NAN);
  for (size_t row = 0; row < batch.size(); ++row) {
    const auto own = labels.empty() ? std::span<const float>(none)
                                    : labels.subspan(row * targets_.size(), targets_.size());
    if (batch.row(row).status == MOLRT_ROW_OK) molecules.push_back(molecule_of(batch, row, own));
  }
  const Corpus::Added added = corpus().add(molecules, *start_, threads);
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
    Scaling& scaling = scalings_[t];
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
std::optional<std::vector<Pretraining::Scaling>> Pretraining::scalings_of_start() const try {
  const json before = json::parse(start_->card().provenance).at(provenance_key).at("targets");
  std::vector<Scaling> scalings;
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

// The loop.
class Pretraining::Run {
 public:
  Run(Pretraining& p, int threads, const PretrainCallback& progress)
      : p_(p),
        threads_(threads),
        progress_(progress),
        team_(threads, p.s_.precision),
        network_(p.start_->card().architecture,
                 with_pretraining_heads(p.start_->tensors(), p.start_->card().architecture,
                                        p.targets_.size(), p.s_.seed),
                 p.targets_.size(), p.s_.weights, team_),
        tensors_(network_.tensors(p.s_.weight_decay)),
        adam_(p.s_.adam_beta1, p.s_.adam_beta2, p.s_.adam_eps, tensors_),
        plan_{p.s_.batch_size, p.train_.size() / p.s_.batch_size, p.s_.steps, p.s_.warmup} {
    if (p.checkpoint_directory_.empty()) return;
    checkpoint_.emplace(p.checkpoint_directory_, p.facts(), p.resume_);
    member_ = MemberCheckpoint(*checkpoint_, 0);
    restore();
  }

  // Whether it came to its end.
  bool run() {
    begun_ = Clock::now();
    while (p_.steps_done_ < p_.s_.steps) {
      if (stopped()) {
        save();
        return false;
      }
      step();
      if (is_due() || p_.steps_done_ == p_.s_.steps) record();
      if (member_.due()) save();
    }
    save();
    return true;
  }

  TensorMap tensors() const { return network_.copy_tensors(); }

 private:
  double seconds() const {
    return before_ + std::chrono::duration<double>(Clock::now() - begun_).count();
  }
  bool is_due() const { return p_.steps_done_ % p_.s_.evaluate_every == 0; }

  bool stopped() const {
    const PretrainRecord* latest = p_.history_.empty() ? nullptr : &p_.history_.back();
    const bool looked = latest && !p_.held_out_.empty();
    return p_.cancelled_ || progress_({p_.steps_done_, p_.s_.steps, loss_, rate(), p_.train_.size(),
                                       p_.held_out_.size(), p_.history_.size(), planned_records(),
                                       looked ? latest->held_out.total(p_.s_.weights) : NAN});
  }

  size_t planned_records() const {
    return static_cast<size_t>((p_.s_.steps + p_.s_.evaluate_every - 1) / p_.s_.evaluate_every);
  }

  double rate() const {
    return learning_rate(p_.s_.lr, p_.steps_done_ == 0 ? 0 : p_.steps_done_ - 1, plan_);
  }

  std::vector<PretrainItem> items(std::span<const size_t> molecules, PhiloxKey key) {
    labels_.assign(molecules.size() * p_.targets_.size(), NAN);
    std::vector<PretrainItem> items;
    for (size_t i = 0; i < molecules.size(); ++i) {
      const auto id = static_cast<uint32_t>(molecules[i]);
      const CorpusMolecule m = p_.corpus_->read(id);
      const size_t conformer = choose_conformer(m.conformers.size(), key, id);
      const std::span<float> labels =
          std::span(labels_).subspan(i * p_.targets_.size(), p_.targets_.size());
      for (size_t t = 0; t < labels.size(); ++t)
        labels[t] =
            static_cast<float>((m.labels[t] - p_.scalings_[t].mean) / p_.scalings_[t].deviation);
      items.push_back({mask_molecule(corpus_features(m, conformer, *p_.start_),
                                     p_.start_->dictionary(), p_.s_.mask, key, id),
                       id, labels});
    }
    return items;
  }

  std::span<const size_t> batch() {
    const uint64_t epoch = p_.steps_done_ / plan_.batches, place = p_.steps_done_ % plan_.batches;
    if (order_.empty() || place == 0)
      order_ = epoch_order(p_.train_, p_.s_.seed, static_cast<uint32_t>(epoch), 0);
    return std::span(order_).subspan(place * plan_.batch_size, plan_.batch_size);
  }

  void step() {
    const PhiloxKey key = random_key(p_.s_.seed, static_cast<uint32_t>(p_.steps_done_));
    const PretrainSums sums = network_.learn(items(batch(), key), p_.s_.dropout, key);
    loss_ = sums.total(p_.s_.weights);
    check_finite(loss_, "loss");
    check_finite(clip_gradients(tensors_, p_.s_.clip, threads_), "gradient's norm");
    adam_.step(tensors_, learning_rate(p_.s_.lr, p_.steps_done_, plan_), threads_);
    since_record_ += sums;
    ++p_.steps_done_;
  }

  void check_finite(double value, const char* what) const {
    if (std::isfinite(value)) return;
    fail(MOLRT_ERROR_DATA, "pre-training diverged: the {} is {} at step {}; lower lr (now {})",
         what, value, p_.steps_done_ + 1, p_.s_.lr);
  }

  // Always with the same masks.
  PretrainSums look() {
    constexpr size_t at_once = 256;
    PretrainSums sums;
    for (size_t first = 0; first < p_.held_out_.size(); first += at_once) {
      const size_t count = std::min(at_once, p_.held_out_.size() - first);
      const auto molecules = std::span<const size_t>(p_.held_out_).subspan(first, count);
      sums += network_.evaluate(items(molecules, random_key(~p_.s_.seed, 0)));
    }
    return sums;
  }

  void record() {
    p_.history_.push_back({p_.steps_done_, since_record_, look(), rate(), seconds()});
    since_record_ = {};
  }

  template <typename Visit>
  void visit_arrays(const Visit& visit) {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      visit("value." + tensors_[i].name, tensors_[i].value);
      visit("mean." + tensors_[i].name, std::span<float>(adam_.moments()[i].mean));
      visit("square." + tensors_[i].name, std::span<float>(adam_.moments()[i].square));
    }
  }

  void save() {
    if (!member_) return;
    CheckpointState state;
    visit_arrays([&](const std::string& name, std::span<float> values) {
      state.tensors[name] = view(values);
    });
    json history = json::array();
    for (const PretrainRecord& record : p_.history_) history.push_back(to_json(record));
    state.facts = {{"step", p_.steps_done_},
                   {"seconds", seconds()},
                   {"since_record", to_json(since_record_)},
                   {"history", history}};
    member_.save(state);
  }

  void restore() {
    const auto state = member_.part();
    if (!state) return;
    try {
      p_.steps_done_ = state->facts.at("step");
      before_ = state->facts.at("seconds");
      since_record_ = sums_of(state->facts.at("since_record"));
      for (const json& record : state->facts.at("history"))
        p_.history_.push_back(record_of(record));
    } catch (const json::exception& e) {
      fail(MOLRT_ERROR_FORMAT, "the checkpoint's state is broken: {}", e.what());
    }
    visit_arrays([&](const std::string& name, std::span<float> to) {
      read_tensor(state->tensors, name, to);
    });
    adam_.set_steps(p_.steps_done_);
  }

  Pretraining& p_;
  int threads_;
  const PretrainCallback& progress_;
  Team team_;
  PretrainNetwork network_;
  std::vector<TrainedTensor> tensors_;
  Adam adam_;
  StepPlan plan_;
  std::optional<Checkpoint> checkpoint_;
  MemberCheckpoint member_;
  std::vector<size_t> order_;  // of the epoch
  std::vector<float> labels_;  // of the batch
  PretrainSums since_record_;
  double loss_ = NAN, before_ = 0;
  Clock::time_point begun_ = Clock::now();
};

void Pretraining::run(int threads, const PretrainCallback& progress) {
  started_ = true;
  divide();
  learn_scalings();
  Run run(*this, threads, progress);
  const bool whole = run.run();
  model_ = std::make_shared<Model>(trained_model(run.tensors()));
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
  if (!history_.empty()) own["last"] = readable(history_.back(), s_.weights);
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
