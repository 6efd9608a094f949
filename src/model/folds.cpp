#include "model/folds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

namespace molrt {
namespace {

const std::string folds_prefix = "folds.";

bool same_tensor(const Tensor& a, const Tensor& b) {
  if (a.dtype != b.dtype || a.shape != b.shape) return false;
  return a.stored == b.stored || a.bytes() == 0 ||
         std::memcmp(a.hold().get(), b.hold().get(), a.bytes()) == 0;
}

bool same_in_all(const std::vector<TensorMap>& folds, const std::string& name) {
  return std::all_of(folds.begin(), folds.end(), [&](const TensorMap& fold) {
    const auto found = fold.find(name), first = folds[0].find(name);
    return found != fold.end() && first != folds[0].end() &&
           same_tensor(first->second, found->second);
  });
}

}  // namespace

std::string fold_name(int fold, const std::string& name) {
  return fmt::format("{}{}.{}", folds_prefix, fold, name);
}

TensorMap tensors_of_fold(const TensorMap& tensors, int fold) {
  TensorMap own;
  for (const auto& [name, tensor] : tensors)
    if (!name.starts_with(folds_prefix)) own.emplace(name, tensor);
  const std::string prefix = fold_name(fold, "");
  for (auto i = tensors.lower_bound(prefix); i != tensors.end() && i->first.starts_with(prefix);
       ++i)
    own.insert_or_assign(i->first.substr(prefix.size()), i->second);
  return own;
}

TensorMap merge_folds(const std::vector<TensorMap>& folds) {
  std::set<std::string> names;
  for (const TensorMap& fold : folds)
    for (const auto& [name, tensor] : fold) names.insert(name);
  TensorMap merged;
  for (const std::string& name : names) {
    if (same_in_all(folds, name)) {
      merged.emplace(name, folds[0].at(name));
      continue;
    }
    for (size_t i = 0; i < folds.size(); ++i)
      if (const auto found = folds[i].find(name); found != folds[i].end())
        merged.emplace(fold_name(static_cast<int>(i), name), found->second);
  }
  return merged;
}

bool same_encoder(const TensorMap& a, const TensorMap& b) {
  const auto within = [](const TensorMap& part, const TensorMap& whole) {
    return std::all_of(part.begin(), part.end(), [&](const auto& entry) {
      if (!is_encoder_tensor(entry.first)) return true;
      const auto found = whole.find(entry.first);
      return found != whole.end() && same_tensor(entry.second, found->second);
    });
  };
  return within(a, b) && within(b, a);
}

bool is_pretraining_tensor(const std::string& name) {
  static const std::array prefixes = {"encoder.final_head_layer_norm.", "lm_head.",
                                      "pair2coord_proj.", "dist_head.", "supervised_head."};
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const char* prefix) { return name.find(prefix) != std::string::npos; });
}

bool is_encoder_tensor(const std::string& name) {
  return !is_pretraining_tensor(name) && name.find(head_prefix) == std::string::npos;
}

TensorMap encoder_only(const TensorMap& tensors) {
  TensorMap encoder;
  for (const auto& [name, tensor] : tensors)
    if (is_encoder_tensor(name)) encoder.emplace(name, tensor);
  return encoder;
}

}  // namespace molrt
