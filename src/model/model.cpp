#include "model/model.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace molrt {
namespace {

const std::string head_name = "classification_head.";

std::vector<Head> read_heads(const ModelCard& card, const Weights& weights) {
  std::vector<Head> heads;
  for (int fold = 0; fold < card.folds(); ++fold) {
    heads.push_back(read_head(weights, fold_prefix(fold, card.folds()), card.architecture.width));
    const Head& head = heads.back();
    if (head.outputs != card.outputs() || head.kind != card.head)
      fail(MOLRT_ERROR_FORMAT, "{}: head of fold {} has {} outputs, expected {} of the same kind",
           weights.file(), fold, head.outputs, card.outputs());
  }
  return heads;
}

bool same_scalers(const std::vector<std::vector<TargetScaler>>& scalers, int target) {
  return std::all_of(scalers.begin(), scalers.end(), [&](const auto& fold) {
    return fold[target].mean == scalers[0][target].mean &&
           fold[target].scale == scalers[0][target].scale;
  });
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

bool is_pretraining_tensor(const std::string& name) {
  static const std::array prefixes = {"encoder.final_head_layer_norm.", "lm_head.",
                                      "pair2coord_proj.", "dist_head."};
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const char* prefix) { return name.starts_with(prefix); });
}

std::string fold_prefix(int fold, int folds) {
  return folds == 1 ? head_name : fmt::format("folds.{}.{}", fold, head_name);
}

Head read_head(const Weights& weights, const std::string& prefix, int width) {
  Head head;
  head.width = width;
  head.outputs = static_cast<int>(weights.shape(prefix + "out_proj.weight", 2)[0]);
  if (head.outputs < 1)
    fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}out_proj.weight' has no outputs", weights.file(),
         prefix);
  head.out_weight = weights.get(prefix + "out_proj.weight", {head.outputs, width});
  head.out_bias = weights.get(prefix + "out_proj.bias", {head.outputs});
  if (!weights.has(prefix + "dense.weight")) return head;
  head.kind = HeadKind::pooled;
  head.dense_weight = weights.get(prefix + "dense.weight", {width, width});
  head.dense_bias = weights.get(prefix + "dense.bias", {width});
  return head;
}

void write_head(const Head& head, const std::string& prefix, TensorMap& tensors) {
  tensors[prefix + "out_proj.weight"] = make_tensor({head.outputs, head.width}, head.out_weight);
  tensors[prefix + "out_proj.bias"] = make_tensor({head.outputs}, head.out_bias);
  if (head.kind == HeadKind::linear) return;
  tensors[prefix + "dense.weight"] = make_tensor({head.width, head.width}, head.dense_weight);
  tensors[prefix + "dense.bias"] = make_tensor({head.width}, head.dense_bias);
}

Model::Model(ModelCard card, TensorMap tensors, const std::string& file)
    : card_(std::move(card)),
      tensors_(std::move(tensors)),
      dictionary_(Dictionary::parse(card_.dictionary_text, file + " (dictionary)", card_.layout)) {
  if (dictionary_.size() != card_.architecture.vocabulary)
    fail(MOLRT_ERROR_FORMAT,
         "{}: the dictionary has {} symbols with [MASK], but 'embed_tokens.weight' has {} rows",
         file, dictionary_.size(), card_.architecture.vocabulary);
  const Weights weights(tensors_, file);
  encoder_ = std::make_shared<Encoder>(card_.architecture, weights);
  heads_ = read_heads(card_, weights);
}

int64_t Model::parameters() const {
  int64_t count = 0;
  for (const auto& [name, tensor] : tensors_)
    if (!is_pretraining_tensor(name)) count += static_cast<int64_t>(tensor.count());
  return count;
}

Model Model::with_heads(ModelCard card, std::vector<Head> heads) const {
  Model model;
  model.card_ = std::move(card);
  model.dictionary_ = dictionary_;
  model.encoder_ = encoder_;
  for (const auto& [name, tensor] : tensors_)
    if (!is_pretraining_tensor(name) && name.find(head_name) == std::string::npos)
      model.tensors_[name] = tensor;
  const int folds = static_cast<int>(heads.size());
  for (int fold = 0; fold < folds; ++fold)
    write_head(heads[fold], fold_prefix(fold, folds), model.tensors_);
  model.heads_ = std::move(heads);
  return model;
}

FeatureOptions Model::feature_options() const {
  FeatureOptions options;
  options.remove_hydrogens = card_.hydrogens == Hydrogens::none;
  options.max_atoms = card_.max_atoms;
  return options;
}

std::vector<float> Model::scaled_outputs(const float* cls) const {
  const int outputs = card_.outputs();
  std::vector<float> scaled(heads_.size() * outputs);
  for (size_t fold = 0; fold < heads_.size(); ++fold)
    head_forward(heads_[fold], cls, 1, scaled.data() + fold * outputs);
  return scaled;
}

void Model::unscale(const double* scaled, float* mean, float* std) const {
  const int outputs = card_.outputs();
  std::vector<double> values(heads_.size()), raw(heads_.size());
  for (int t = 0; t < outputs; ++t) {
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
