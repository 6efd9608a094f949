#include "pretrain/loop.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "train/best.h"
#include "train/shuffle.h"

namespace molrt {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

// Which conformer of a molecule a step sees.
size_t choose_conformer(size_t count, PhiloxKey key, uint32_t id) {
  constexpr uint32_t stream = 1 << 16;  // apart from masking's
  const uint64_t bits = random_u32(key, id, stream, random_purpose(Purpose::pretrain), 0);
  return bits * count >> 32;
}

}  // namespace

PretrainLoop::PretrainLoop(const PretrainData& data, const PretrainSettings& settings, int threads,
                           MemberCheckpoint checkpoint, const PretrainCallback& progress)
    : data_(data),
      s_(settings),
      threads_(threads),
      checkpoint_(std::move(checkpoint)),
      progress_(progress),
      team_(threads, settings.precision),
      network_(data.start.card().architecture,
               with_pretraining_heads(data.start.tensors(), data.start.card().architecture,
                                      data.scalings.size(), settings.seed),
               data.scalings.size(), settings.weights, team_),
      tensors_(network_.tensors(settings.weight_decay)),
      adam_(settings.adam_beta1, settings.adam_beta2, settings.adam_eps, tensors_),
      plan_{settings.batch_size, data.train.size() / settings.batch_size, settings.steps,
            settings.warmup} {
  restore();
}

bool PretrainLoop::run() {
  begun_ = Clock::now();
  while (done_ < s_.steps) {
    if (stopped()) {
      save();
      return false;
    }
    step();
    if (done_ % s_.evaluate_every == 0 || done_ == s_.steps) record();
    if (checkpoint_ && checkpoint_.due()) save();
  }
  save();
  stopped();  // tells of the end
  return true;
}

double PretrainLoop::seconds() const {
  return before_ + std::chrono::duration<double>(Clock::now() - begun_).count();
}

bool PretrainLoop::stopped() {
  const bool looked = !history_.empty() && !data_.held_out.empty();
  const uint64_t records = (s_.steps + s_.evaluate_every - 1) / s_.evaluate_every;
  return progress_({done_, s_.steps, done_ == 0 ? NAN : loss_, rate(), data_.train.size(),
                    data_.held_out.size(), history_.size(), static_cast<size_t>(records),
                    looked ? history_.back().held_out.total(s_.weights) : NAN});
}

double PretrainLoop::rate() const {
  return learning_rate(s_.lr, done_ == 0 ? 0 : done_ - 1, plan_);
}

std::span<const size_t> PretrainLoop::batch() {
  const uint64_t epoch = done_ / plan_.batches, place = done_ % plan_.batches;
  if (order_.empty() || place == 0)
    order_ = epoch_order({data_.train.begin(), data_.train.end()}, s_.seed,
                         static_cast<uint32_t>(epoch), 0);
  return std::span(order_).subspan(place * plan_.batch_size, plan_.batch_size);
}

std::vector<PretrainItem> PretrainLoop::items(std::span<const size_t> molecules, PhiloxKey key) {
  const size_t targets = data_.scalings.size();
  labels_.assign(molecules.size() * targets, NAN);
  std::vector<PretrainItem> items;
  for (size_t i = 0; i < molecules.size(); ++i) {
    const auto id = static_cast<uint32_t>(molecules[i]);
    const CorpusMolecule m = data_.corpus.read(id);
    const std::span<float> labels = std::span(labels_).subspan(i * targets, targets);
    for (size_t t = 0; t < targets; ++t)
      labels[t] =
          static_cast<float>((m.labels[t] - data_.scalings[t].mean) / data_.scalings[t].deviation);
    const size_t conformer = choose_conformer(m.conformers.size(), key, id);
    items.push_back({mask_molecule(corpus_features(m, conformer, data_.start),
                                   data_.start.dictionary(), s_.mask, key, id),
                     id, labels});
  }
  return items;
}

void PretrainLoop::step() {
  const PhiloxKey key = random_key(s_.seed, static_cast<uint32_t>(done_));
  const PretrainSums sums = network_.learn(items(batch(), key), s_.dropout, key);
  loss_ = sums.total(s_.weights);
  check_finite(loss_, "loss");
  check_finite(clip_gradients(tensors_, s_.clip, threads_), "gradient's norm");
  adam_.step(tensors_, learning_rate(s_.lr, done_, plan_), threads_);
  since_record_ += sums;
  ++done_;
}

void PretrainLoop::check_finite(double value, const char* what) const {
  if (std::isfinite(value)) return;
  fail(MOLRT_ERROR_DATA, "pre-training diverged: the {} is {} at step {}; lower lr (now {})", what,
       value, done_ + 1, s_.lr);
}

// Always with the same masks.
PretrainSums PretrainLoop::look() {
  constexpr size_t at_once = 256;
  PretrainSums sums;
  for (size_t first = 0; first < data_.held_out.size(); first += at_once) {
    const size_t count = std::min(at_once, data_.held_out.size() - first);
    sums += network_.evaluate(items(data_.held_out.subspan(first, count), random_key(~s_.seed, 0)));
  }
  return sums;
}

void PretrainLoop::record() {
  history_.push_back({done_, since_record_, look(), rate(), seconds()});
  since_record_ = {};
}

template <typename Visit>
void PretrainLoop::visit_arrays(const Visit& visit) {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    visit("value." + tensors_[i].name, tensors_[i].value);
    visit("mean." + tensors_[i].name, std::span<float>(adam_.moments()[i].mean));
    visit("square." + tensors_[i].name, std::span<float>(adam_.moments()[i].square));
  }
}

void PretrainLoop::save() {
  if (!checkpoint_) return;
  CheckpointState state;
  visit_arrays([&](const std::string& name, std::span<float> values) {
    state.tensors[name] = view(values);
  });
  json history = json::array();
  for (const PretrainRecord& record : history_) history.push_back(to_json(record));
  state.facts = {{"step", done_},
                 {"loss", loss_},
                 {"seconds", seconds()},
                 {"since_record", to_json(since_record_)},
                 {"history", history}};
  checkpoint_.save(state);
}

void PretrainLoop::restore() {
  const auto state = checkpoint_ ? checkpoint_.part() : std::nullopt;
  if (!state) return;
  try {
    done_ = state->facts.at("step");
    loss_ = state->facts.at("loss");
    before_ = state->facts.at("seconds");
    since_record_ = sums_of(state->facts.at("since_record"));
    for (const json& record : state->facts.at("history")) history_.push_back(record_of(record));
  } catch (const json::exception& e) {
    fail(MOLRT_ERROR_FORMAT, "the checkpoint's state is broken: {}", e.what());
  }
  visit_arrays(
      [&](const std::string& name, std::span<float> to) { read_tensor(state->tensors, name, to); });
  adam_.set_steps(done_);
}

}  // namespace molrt
