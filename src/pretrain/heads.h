#pragma once
// The heads that pre-training predicts with, and their tensors under the official names
// (spec: checkpoints.md); the supervised head's are our own.
#include "base/tensor.h"
#include "model/architecture.h"
#include "nn/head.h"
#include "pretrain/output_head.h"
#include "train/trained_tensor.h"

namespace molrt {

// The tensors that pre-training adds to an encoder's, untrained where `tensors` lacks them or has
// them of other sizes.
TensorMap with_pretraining_heads(const TensorMap& tensors, const Architecture& architecture,
                                 size_t tasks, uint64_t seed);
// Those that Parameters hold.
TensorMap without_supervised(const TensorMap& tensors);

// Of the representation, tasks > 0: dense, tanh, out.
class SupervisedHead {
 public:
  SupervisedHead(const TensorMap& tensors, const Architecture& architecture, size_t tasks);

  // cls [ids, width] -> outputs [ids, tasks]; then d_outputs, likewise, -> d_cls, overwritten.
  void forward(std::span<const uint32_t> ids, const float* cls, float* outputs);
  void backward(std::span<const uint32_t> ids, const float* d_outputs, float* d_cls);

  void clear_gradients() { set_zero(gradient_); }
  std::vector<TrainedTensor> tensors();
  void copy_tensors(TensorMap& to) const;

 private:
  Head head_, gradient_;
  HeadActivations activations_;
};

struct PretrainHeads {
  PretrainHeads(const Parameters& parameters, const TensorMap& tensors, const Architecture& a,
                size_t tasks);
  OutputHead token, coordinate, distance;
  TrainableNorm pair_norm;  // of what the coordinate head reads
  SupervisedHead supervised;
};

}  // namespace molrt
