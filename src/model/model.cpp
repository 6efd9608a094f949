#include "model/model.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/folds.h"

namespace molrt {
namespace {

void check_sizes(const Architecture& said, const Weights& weights) {
  const Architecture found = infer_architecture(weights);
  if (found != said)
    fail(MOLRT_ERROR_FORMAT, "{}: expected {}; the tensors say {}", weights.file(),
         sizes_text(said), sizes_text(found));
}

Head read_checked_head(const ModelCard& card, const Weights& weights) {
  if (const std::string fault = card.inputs.fault(static_cast<size_t>(card.folds()));
      !fault.empty())
    fail(MOLRT_ERROR_FORMAT, "{}: the inputs beside CLS have {}", weights.file(), fault);
  Head head = read_head(weights, card.architecture.width, static_cast<int>(card.inputs.size()));
  if (!task_fits(card.task, head.outputs, card.outputs()))
    fail(MOLRT_ERROR_FORMAT,
         "{}: 'classification_head.out_proj.weight' has {} rows, which do not fit a {} model of {} "
         "outputs",
         weights.file(), head.outputs, task_name(card.task), card.outputs());
  if (head.kind != card.head)
    fail(MOLRT_ERROR_FORMAT, "{}: expected a {} head, found a {} one", weights.file(),
         head_name(card.head), head_name(head.kind));
  return head;
}

bool same_scalers(const std::vector<std::vector<TargetScaler>>& scalers, size_t target) {
  return std::all_of(scalers.begin(), scalers.end(),
                     [&](const auto& fold) { return fold[target] == scalers[0][target]; });
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double sample_deviation(const std::vector<double>& values) {
  if (values.size() < 2) return NAN;
  const double mean = mean_of(values);
  double sum = 0;
  for (double v : values) sum += (v - mean) * (v - mean);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

}  // namespace

std::vector<std::string> default_target_names(int outputs) {
  if (outputs == 1) return {"target"};
  std::vector<std::string> names;
  for (int i = 1; i <= outputs; ++i) names.push_back(fmt::format("target_{}", i));
  return names;
}

Head read_head(const Weights& weights, int width, int inputs) {
  const std::string& prefix = head_prefix;
  const bool pooled = weights.has(prefix + "dense.weight");
  Head head;
  head.width = width + inputs;
  head.hidden = pooled ? width : head.width;
  head.outputs = static_cast<int>(weights.shape(prefix + "out_proj.weight", 2)[0]);
  if (head.outputs < 1)
    fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}out_proj.weight' has no outputs", weights.file(),
         prefix);
  head.out_weight = weights.get(prefix + "out_proj.weight", {head.outputs, head.hidden});
  head.out_bias = weights.get(prefix + "out_proj.bias", {head.outputs});
  if (weights.has(prefix + "centre")) head.centre = weights.get(prefix + "centre", {head.width});
  if (!pooled) return head;
  head.kind = HeadKind::pooled;
  head.dense_weight = weights.get(prefix + "dense.weight", {head.hidden, head.width});
  head.dense_bias = weights.get(prefix + "dense.bias", {head.hidden});
  return head;
}

void write_head(const Head& head, TensorMap& tensors) {
  const std::string& prefix = head_prefix;
  tensors[prefix + "out_proj.weight"] = make_tensor({head.outputs, head.hidden}, head.out_weight);
  tensors[prefix + "out_proj.bias"] = make_tensor({head.outputs}, head.out_bias);
  if (!head.centre.empty()) tensors[prefix + "centre"] = make_tensor({head.width}, head.centre);
  if (head.kind == HeadKind::linear) return;
  tensors[prefix + "dense.weight"] = make_tensor({head.hidden, head.width}, head.dense_weight);
  tensors[prefix + "dense.bias"] = make_tensor({head.hidden}, head.dense_bias);
}

Model::Model(ModelCard card, TensorMap tensors, const std::string& file)
    : card_(std::move(card)),
      tensors_(std::move(tensors)),
      dictionary_(Dictionary::parse(card_.dictionary_text, file + " (dictionary)", card_.layout)) {
  if (dictionary_.size() != card_.architecture.vocabulary)
    fail(MOLRT_ERROR_FORMAT,
         "{}: the dictionary has {} symbols with [MASK], but 'embed_tokens.weight' has {} rows",
         file, dictionary_.size(), card_.architecture.vocabulary);
  const int folds = std::max(1, card_.folds());  // an encoder alone is read as one fold
  std::vector<TensorMap> own;                    // of each fold that brought an encoder
  for (int fold = 0; fold < folds; ++fold) {
    TensorMap plain = tensors_of_fold(tensors_, fold);
    const Weights weights(plain, folds == 1 ? file : fmt::format("{} (fold {})", file, fold));
    check_sizes(card_.architecture, weights);
    if (card_.folds() > 0) heads_.push_back(read_checked_head(card_, weights));
    const auto known = std::find_if(own.begin(), own.end(),
                                    [&](const auto& other) { return same_encoder(other, plain); });
    encoder_of_fold_.push_back(static_cast<size_t>(known - own.begin()));
    if (known != own.end()) continue;
    encoders_.push_back(std::make_shared<Encoder>(card_.architecture, weights));
    own.push_back(std::move(plain));
  }
}

std::vector<size_t> Model::folds_of_encoder(size_t index) const {
  std::vector<size_t> folds;
  for (size_t fold = 0; fold < encoder_of_fold_.size(); ++fold)
    if (encoder_of_fold_[fold] == index) folds.push_back(fold);
  return folds;
}

void Model::require_one_encoder() const {
  if (encoders() == 1) return;
  fail(MOLRT_ERROR_UNSUPPORTED,
       "the model's {} folds have {} different encoders, whose representations cannot be averaged; "
       "choose one fold with the option fold (--fold) when the model is opened",
       card_.folds(), encoders());
}

int64_t Model::parameters() const {
  int64_t count = 0;
  for (const auto& [name, tensor] : tensors_)
    if (!is_pretraining_tensor(name)) count += static_cast<int64_t>(tensor.count());
  return count;
}

Model Model::with_heads(ModelCard card, std::vector<Head> heads) const {
  require_one_encoder();
  TensorMap shared = tensors_of_fold(tensors_, 0);
  std::erase_if(shared, [](const auto& entry) { return !is_encoder_tensor(entry.first); });
  std::vector<TensorMap> folds(heads.size(), shared);
  for (size_t fold = 0; fold < heads.size(); ++fold) write_head(heads[fold], folds[fold]);
  Model model;
  model.card_ = std::move(card);
  model.dictionary_ = dictionary_;
  model.encoders_ = encoders_;
  model.encoder_of_fold_.assign(heads.size(), 0);
  model.tensors_ = merge_folds(folds);
  model.heads_ = std::move(heads);
  return model;
}

FeatureOptions Model::feature_options() const {
  FeatureOptions options;
  options.remove_hydrogens = card_.hydrogens == Hydrogens::none;
  options.max_atoms = card_.max_atoms;
  return options;
}

std::vector<float> Model::head_input(size_t fold, const float* cls, const float* inputs) const {
  const auto width = static_cast<size_t>(card_.architecture.width);
  std::vector<float> row(cls, cls + width);
  row.resize(width + card_.inputs.size());
  if (card_.inputs.size() > 0)
    card_.inputs.scalers[fold].apply({inputs, card_.inputs.size()}, row.data() + width);
  return row;
}

void Model::fold_outputs(size_t fold, const float* cls, double* scaled, const float* inputs) const {
  std::vector<float> logits(static_cast<size_t>(heads_[fold].outputs));
  head_forward(heads_[fold], head_input(fold, cls, inputs).data(), 1, logits.data());
  activate(card_.task, logits, scaled);
}

void Model::scaled_outputs(size_t encoder, const float* cls, double* scaled,
                           const float* inputs) const {
  for (size_t fold = 0; fold < heads_.size(); ++fold)
    if (encoder_of_fold_[fold] == encoder)
      fold_outputs(fold, cls, scaled + fold * card_.targets.size(), inputs);
}

void Model::noisy_outputs(size_t encoder, const float* cls, const HeadDropout& dropout,
                          double* scaled, const float* inputs) const {
  std::vector<float> logits;
  HeadActivations activations;
  for (size_t fold = 0; fold < heads_.size(); ++fold) {
    if (encoder_of_fold_[fold] != encoder) continue;
    logits.resize(static_cast<size_t>(heads_[fold].outputs));
    head_forward_training(heads_[fold], head_input(fold, cls, inputs).data(), dropout, activations,
                          logits.data());
    activate(card_.task, logits, scaled + fold * card_.targets.size());
  }
}

TensorMap Model::encoder_tensors(size_t index) const {
  const auto fold = std::find(encoder_of_fold_.begin(), encoder_of_fold_.end(), index);
  return tensors_of_fold(tensors_, static_cast<int>(fold - encoder_of_fold_.begin()));
}

void Model::finish(const double* scaled, float* mean, float* std) const {
  const size_t outputs = card_.targets.size();
  std::vector<double> values(heads_.size()), raw(heads_.size());
  for (size_t t = 0; t < outputs; ++t) {
    for (size_t fold = 0; fold < heads_.size(); ++fold) {
      raw[fold] = scaled[fold * outputs + t];
      values[fold] = card_.scalers[fold][t].inverse(raw[fold]);
    }
    mean[t] = static_cast<float>(same_scalers(card_.scalers, t)
                                     ? card_.scalers[0][t].inverse(mean_of(raw))
                                     : mean_of(values));
    std[t] = static_cast<float>(sample_deviation(values));
  }
}

}  // namespace molrt
