#include "train/network.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/folds.h"
#include "train/counted.h"
#include "train/evaluation.h"
#include "train/list_settings.h"

namespace molrt {
namespace {

// Molecules that share one pass: their activations are held until they have gone back. Small enough
// for 1.5 GB in all at the official sizes, large enough for all threads.
constexpr size_t most_tokens = 1024;
constexpr size_t most_activations = size_t{256} << 20;  // bytes

double count_tokens(const std::vector<const Features*>& molecules) {
  double tokens = 0;
  for (const Features* m : molecules) tokens += m->length();
  return tokens;
}

// "encoder.layers.7.fc1.weight" -> 7; -1 for the others.
int layer_of(const std::string& name) {
  const std::string start = "encoder.layers.";
  return name.starts_with(start) ? std::atoi(name.c_str() + start.size()) : -1;
}

bool any_needs_origin(const Methods& methods) {
  return std::any_of(methods.begin(), methods.end(),
                     [](const auto& method) { return method->needs_origin(); });
}

}  // namespace

bool is_frozen_by(const NetworkSettings& settings, const std::string& name) {
  return begins_with_any(name, settings.frozen);
}

NetworkTrainee::NetworkTrainee(const Model& base, const TrainingMolecules& molecules,
                               const Fold& fold, const NetworkSettings& settings, Team& team,
                               FrozenLayers& frozen)
    : base_(base),
      molecules_(molecules),
      fold_(fold),
      settings_(settings),
      team_(team),
      frozen_(frozen),
      base_tensors_(tensors_of_fold(base.tensors(), fold.base_fold)),
      width_(static_cast<size_t>(base.card().architecture.width)),
      parameters_(encoder_only(base_tensors_), "the base model"),
      head_(first_head(fold)),
      head_gradient_(make_head(head_.kind, head_.width, head_.outputs, head_.hidden)),
      head_step_(fold) {
  if (settings.l2sp > 0 || any_needs_origin(*fold.methods))
    origin_.assign(parameters_.values().begin(), parameters_.values().end());
  frozen_layers_ = frozen_layers(base, settings);
  quiet_layers_ = quiet_layers(base, settings);
  const int layers = base.card().architecture.layers;
  make_passes(count_run(settings.head.all, layers, quiet_layers_));
  key_dropper_.emplace(fold, first().encoder, head_, head_step_, team, layers);
}

// Where nothing in the encoder is random, one for all.
void NetworkTrainee::make_passes(const Counted& counted) {
  const auto all = static_cast<size_t>(head_step_.plan().passes);
  const size_t apart = counted.noisy_weights ? all : 1;
  together_ = counted.noisy_encoder ? all / apart : 1;
  for (size_t i = 0; i < apart; ++i) {
    passes_.push_back({TrainableEncoder(base_.card().architecture, parameters_), {}, {}, {}, {}});
    passes_.back().encoder.set_frozen_layers(frozen_layers_);
  }
}

void check_frozen(const Model& base, const NetworkSettings& settings) {
  const TensorMap encoder = encoder_only(tensors_of_fold(base.tensors(), 0));
  for (const std::string& prefix : settings.frozen)
    if (std::none_of(encoder.begin(), encoder.end(),
                     [&](const auto& tensor) { return tensor.first.starts_with(prefix); }))
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "setting 'freeze.prefix': no tensor of the encoder begins with '{}'; the first is '{}'",
           prefix, encoder.begin()->first);
}

bool NetworkTrainee::is_frozen(const std::string& name) const {
  return is_frozen_by(settings_, name);
}

int frozen_layers(const Model& base, const NetworkSettings& settings) {
  int first_trained = base.card().architecture.layers;
  for (const auto& [name, tensor] : encoder_only(tensors_of_fold(base.tensors(), 0))) {
    if (is_frozen_by(settings, name) || name.starts_with("encoder.final_layer_norm.")) continue;
    first_trained = std::min(first_trained, layer_of(name));
  }
  return first_trained;
}

int quiet_layers(const Model& base, const NetworkSettings& settings) {
  return settings.quiet_when_frozen ? std::max(frozen_layers(base, settings), 0) : 0;
}

// LLRD: layers.i counts as i + 1, the final norm as L, what feeds the layers as 0.
double NetworkTrainee::rate_factor(const std::string& name) const {
  const int layers = base_.card().architecture.layers;
  const int level = name.starts_with("encoder.final_layer_norm.") ? layers : layer_of(name) + 1;
  return std::pow(settings_.llrd, layers - level);
}

TrainedTensor NetworkTrainee::trained(const Parameters::Entry& e) const {
  TrainedTensor t{e.name, e.data.value, e.data.gradient, rate_factor(e.name)};
  if (!origin_.empty()) {
    const auto offset = static_cast<size_t>(e.data.value.data() - parameters_.values().data());
    t.origin = std::span(origin_).subspan(offset, e.data.value.size());
  }
  if (is_bias_or_norm(e.name)) return t;
  t.decay = settings_.head.weight_decay;
  t.pull = settings_.l2sp;
  return t;
}

std::vector<TrainedTensor> NetworkTrainee::tensors() {
  std::vector<TrainedTensor> tensors;
  for (const auto& e : parameters_.entries())
    if (!is_frozen(e.name)) tensors.push_back(trained(e));
  const double decay = settings_.head.weight_decay + settings_.l2sp_head;
  for (TrainedTensor& tensor : head_tensors(head_, head_gradient_, decay))
    tensors.push_back(std::move(tensor));
  return tensors;
}

EncoderNoise NetworkTrainee::noise(Purpose purpose, uint32_t pass, uint32_t step) const {
  EncoderNoise noise{settings_.embedding,
                     settings_.attention,
                     settings_.activation,
                     settings_.residual,
                     random_key(fold_.seed, step),
                     random_purpose(purpose, pass),
                     ids_};
  noise.quiet_layers = quiet_layers_;
  return noise;
}

void NetworkTrainee::set_noise(Pass& pass, uint32_t number, uint32_t step) {
  pass.noise = noise(Purpose::train, number, step);
  purposes_.clear();
  for (size_t copy = 0; copy < together_; ++copy)
    purposes_.insert(purposes_.end(), ids_.size() / together_,
                     random_purpose(Purpose::train, number + static_cast<uint32_t>(copy)));
  if (together_ > 1) pass.noise.purposes = purposes_;
  pass.weights.emplace(*fold_.methods, PassKey{pass.noise.key, number});
  pass.noise.weights = &*pass.weights;
}

const float* NetworkTrainee::representations(Pass& pass, Items items, const EncoderNoise& noise) {
  std::vector<const Features*> molecules;
  std::vector<size_t> places;
  for (const RowConformer item : items) {
    places.push_back(fold_.data.conformers.place(item));
    molecules.push_back(molecules_[places.back()]);
  }
  team_.size_for(2. * static_cast<double>(parameters_.values().size()) * count_tokens(molecules));
  if (frozen_layers_ < 0 || !noise.is_quiet_below(frozen_layers_))
    return pass.encoder.forward(team_, molecules, noise);
  return frozen_.forward(pass.encoder, team_, molecules, places, noise);
}

std::vector<float> NetworkTrainee::head_inputs(Pass& pass, Items items, const EncoderNoise& noise) {
  return inputs_of(pass, items, representations(pass, items, noise));
}

std::vector<float> NetworkTrainee::inputs_of(const Pass& pass, Items items,
                                             const float* tokens) const {
  const auto head_width = static_cast<size_t>(head_.width);
  std::vector<float> inputs(items.size() * head_width);
  for (size_t m = 0; m < items.size(); ++m)
    scaled_inputs(fold_, items[m].row, inputs.data() + m * head_width + width_);
  pass.encoder.gather_cls(tokens, inputs.data(), head_width);
  return inputs;
}

namespace {

// body(part) for consecutive parts of the items, each of one or, with all that is held of it in
// this many passes, within both limits.
template <typename Body>
void for_each_part(const TrainableEncoder& encoder, size_t passes,
                   const TrainingMolecules& molecules, const ConformerTable& conformers,
                   std::span<const RowConformer> items, const Body& body) {
  for (size_t first = 0, last; first < items.size(); first = last) {
    size_t tokens = 0, bytes = 0;
    for (last = first; last < items.size(); ++last) {
      const int length = molecules[conformers.place(items[last])]->length();
      tokens += passes * static_cast<size_t>(length);
      bytes += passes * encoder.activation_bytes(length);
      if (last > first && (tokens > most_tokens || bytes > most_activations)) break;
    }
    body(items.subspan(first, last - first));
  }
}

}  // namespace

void NetworkTrainee::clear_gradients() {
  parameters_.clear_gradients();
  set_zero(head_gradient_);
}

LossSum NetworkTrainee::learn(std::span<const size_t> rows, const StepAt& at, size_t objective) {
  clear_gradients();
  LossSum total;
  for (const BatchPart& batch :
       batch_parts(fold_, head_step_.plan().unlabelled, rows, at, objective)) {
    const auto items =
        fold_.data.conformers.choose(batch.rows, fold_.seed, static_cast<uint32_t>(at.epoch));
    for_each_part(first().encoder, passes_.size() * together_, molecules_, fold_.data.conformers,
                  items, [&](Items part) { train_part(part, at, batch.share, total); });
  }
  return total;
}

// Molecules without labels go without: the target may be what was measured.
const DroppedKeys* NetworkTrainee::choose_keys(Items items, const StepAt& at) {
  const AttentionPlan plan = attention_plan(*fold_.methods, at.epoch - 1);
  if (!plan.on) return nullptr;
  ids_ = molecules_of(items);
  Pass& pass = first();
  pass.noise = plan.dropout ? noise(Purpose::addrop, 0, at.step) : EncoderNoise{};
  pass.noise.key = random_key(fold_.seed, at.step);
  pass.weights.emplace(*fold_.methods, PassKey{pass.noise.key, 0});
  pass.noise.weights = &*pass.weights;
  const auto inputs = [&](const float* tokens) { return inputs_of(pass, items, tokens); };
  return &key_dropper_->choose(items, head_inputs(pass, items, pass.noise), inputs, pass.noise,
                               plan, std::max(frozen_layers_, 0), at.step, together_);
}

void NetworkTrainee::run_pass(Pass& pass, uint32_t number, Items items, uint32_t step,
                              const DroppedKeys* dropped) {
  set_noise(pass, number, step);
  pass.noise.dropped_keys = dropped;
  pass.inputs = head_inputs(pass, items, pass.noise);
  pass.d_inputs.resize(pass.inputs.size());
}

void NetworkTrainee::train_part(Items items, const StepAt& at, const BatchShare& share,
                                LossSum& total) {
  const DroppedKeys* dropped = share.labels > 0 ? choose_keys(items, at) : nullptr;
  std::vector<RowConformer> batch;
  for (size_t copy = 0; copy < together_; ++copy)
    batch.insert(batch.end(), items.begin(), items.end());
  ids_ = molecules_of(batch);
  std::vector<NetworkPass> given;
  for (size_t i = 0; i < passes_.size(); ++i) {
    Pass& pass = passes_[i];
    run_pass(pass, static_cast<uint32_t>(i), batch, at.step, dropped);
    const size_t floats = pass.inputs.size() / together_;
    for (size_t copy = 0; copy < together_; ++copy)
      given.push_back({std::span(pass.inputs).subspan(copy * floats, floats),
                       std::span(pass.d_inputs).subspan(copy * floats, floats)});
  }
  total += head_step_.run(head_, items, given, at.step, share, head_gradient_);
  for (Pass& pass : passes_) backward(pass);
}

void NetworkTrainee::gradients(std::span<const size_t> rows, const Target& target, bool dropout,
                               uint32_t step, Purpose purpose) {
  clear_gradients();
  const auto items = fold_.data.conformers.choose(rows, fold_.seed, 0);
  const Look look{dropout, step, purpose, target ? 1 : fold_weight(fold_, rows)};
  Pass& pass = first();
  for_each_part(pass.encoder, 1, molecules_, fold_.data.conformers, items, [&](Items part) {
    ids_ = molecules_of(part);
    pass.noise = dropout ? noise(purpose, 0, step) : EncoderNoise{};
    pass.inputs = head_inputs(pass, part, pass.noise);
    pass.d_inputs.resize(pass.inputs.size());
    head_step_.look(head_, part, pass.inputs, target, look, head_gradient_, pass.d_inputs);
    backward(pass);
  });
}

// Of the head's inputs CLS alone comes from the encoder.
void NetworkTrainee::backward(Pass& pass) {
  float* d_output =
      pass.encoder.scatter_cls(pass.d_inputs.data(), static_cast<size_t>(head_.width));
  pass.encoder.backward(team_, pass.noise, d_output);
}

std::vector<float> NetworkTrainee::predict(std::span<const size_t> rows) {
  const std::vector<RowConformer> items = fold_.data.conformers.all(rows);
  std::vector<float> outputs(items.size() * fold_.outputs());
  float* next = outputs.data();
  for_each_part(first().encoder, 1, molecules_, fold_.data.conformers, items, [&](Items part) {
    const std::vector<float> inputs = head_inputs(first(), part, {});
    head_forward(head_, inputs.data(), part.size(), next);
    next += part.size() * fold_.outputs();
  });
  return outputs;
}

std::vector<float> NetworkTrainee::predict_noisy(std::span<const size_t> rows,
                                                 const DropoutRates& rates, uint32_t sample) {
  const std::vector<RowConformer> items = fold_.data.conformers.all(rows);
  std::vector<float> outputs(items.size() * fold_.outputs());
  float* next = outputs.data();
  for_each_part(first().encoder, 1, molecules_, fold_.data.conformers, items, [&](Items part) {
    ids_ = molecules_of(part);
    const auto inputs = head_inputs(first(), part, encoder_noise(rates, sample, ids_));
    head_forward_training(head_, inputs.data(), head_noise(rates, sample, ids_), activations_,
                          next);
    next += part.size() * fold_.outputs();
  });
  return outputs;
}

Evaluation NetworkTrainee::evaluate(std::span<const size_t> rows) {
  return evaluate_outputs(fold_, rows, predict(rows));
}

double NetworkTrainee::spread_ratio() {
  return molrt::spread_ratio(fold_, [&](std::span<const size_t> rows) { return predict(rows); });
}

TensorMap NetworkTrainee::encoder_tensors() const {
  TensorMap tensors;
  for (const auto& e : parameters_.entries())
    tensors[e.name] = is_frozen(e.name)
                          ? base_tensors_.at(e.name)
                          : make_tensor(e.shape, {e.data.value.begin(), e.data.value.end()});
  return tensors;
}

}  // namespace molrt
