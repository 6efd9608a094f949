#pragma once
// How the networks of a k-fold model share one set of tensors (io/FORMAT.md): what all folds have
// in common is there once, under its plain name; what differs is `folds.i.NAME`.
#include <string>
#include <vector>

#include "base/tensor.h"

namespace molrt {

inline const std::string head_prefix = "classification_head.";

std::string fold_name(int fold, const std::string& name);  // "folds.3.NAME"
// One fold's own tensors under plain names.
TensorMap tensors_of_fold(const TensorMap& tensors, int fold);
// The folds' tensors (plain names) as one set.
TensorMap merge_folds(const std::vector<TensorMap>& folds);
// Whether two folds (plain names) have the same network up to the head.
bool same_encoder(const TensorMap& a, const TensorMap& b);

// Tensors of pre-training heads: stored along, never used for properties.
bool is_pretraining_tensor(const std::string& name);
// Of the network up to the head, wherever it is stored.
bool is_encoder_tensor(const std::string& name);
TensorMap encoder_only(const TensorMap& tensors);

}  // namespace molrt
