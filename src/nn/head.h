#pragma once
// The property heads on the molecule's representation (CLS), forward beside backward
// (spec: model.md section 3, Heads):
//   linear: dropout, out_proj            pooled: dropout, dense, tanh, dropout, out_proj
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace molrt {

enum class HeadKind { linear = 1, pooled = 2 };  // MOLRT_HEAD_*
inline const char* head_name(HeadKind kind) {
  return kind == HeadKind::linear ? "linear" : "pooled";
}

struct Head {
  HeadKind kind = HeadKind::linear;
  int width = 0;  // of its inputs: CLS, then what stands beside it (model/head_inputs.h)
  int outputs = 0;
  std::vector<float> dense_weight;  // [hidden, width] (out, in); empty for linear
  std::vector<float> dense_bias;    // [hidden]; empty for linear
  std::vector<float> out_weight;    // [outputs, hidden]
  std::vector<float> out_bias;      // [outputs]
  // [width] or empty (0): what dropout leaves of a dropped input, where the training's inputs were
  // standardised: their means. Matters to dropout alone.
  std::vector<float> centre;
  int hidden = 0;  // numbers that out_proj reads: width for linear
};

// All zeros: a gradient to add to, or a head to fill.
// hidden (of pooled) 0: the width.
Head make_head(HeadKind kind, int width, int outputs, int hidden = 0);
// Weights from N(0, .02), biases zero, as the peer's. `sample` tells the folds apart.
Head initialised_head(HeadKind kind, int width, int outputs, uint64_t seed, uint32_t sample,
                      int hidden = 0);

// The parameters in a fixed order (empty ones included), for the optimiser, and their names.
inline constexpr std::array head_tensor_names = {
    "classification_head.dense.weight", "classification_head.dense.bias",
    "classification_head.out_proj.weight", "classification_head.out_proj.bias"};
std::array<std::span<float>, 4> parameters(Head& head);
void set_zero(Head& head);  // all of them

// inputs [rows, width] -> outputs [rows, outputs], evaluation mode (no dropout). A row's bytes do
// not depend on the other rows.
void head_forward(const Head& head, const float* inputs, size_t rows, float* outputs);

// Where the dropout masks of one optimiser step come from (spec: regularisers.md 0a, 1.1).
struct HeadDropout {
  double p = 0;  // 0: the sites are skipped; 1: zeros
  uint64_t seed = 0;
  uint32_t step = 0;                    // optimiser step, from 0
  std::span<const uint32_t> molecules;  // [rows]: the dataset row of each row of the batch
  uint32_t purpose = 0;                 // random_purpose(); 0: training
};

// What the backward pass needs of the forward pass. Reused from step to step.
struct HeadActivations {
  std::vector<float> input;   // [rows, width], after dropout
  std::vector<float> pooled;  // [rows, hidden], after tanh; pooled head only
  std::vector<float> middle;  // [rows, hidden], the same after dropout
};

// As head_forward, with dropout (HEAD_IN's mask counts through the whole input). One row for each
// of dropout.molecules.
void head_forward_training(const Head& head, const float* inputs, const HeadDropout& dropout,
                           HeadActivations& activations, float* outputs);

// d_outputs [rows, outputs] -> adds to `gradient` (shaped as head) and overwrites d_inputs
// [rows, width] unless it is null. `dropout` and `activations` are those of the forward pass.
void head_backward(const Head& head, const HeadDropout& dropout, const HeadActivations& activations,
                   const float* d_outputs, Head& gradient, float* d_inputs);
// The same without the parameters' gradients.
void head_input_gradient(const Head& head, const HeadDropout& dropout,
                         const HeadActivations& activations, const float* d_outputs,
                         float* d_inputs);

}  // namespace molrt
