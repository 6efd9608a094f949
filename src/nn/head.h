#pragma once
// The property heads on the molecule's representation (CLS), forward beside backward
// (spec: model.md section 3, Heads):
//   linear: dropout, out_proj            pooled: dropout, dense, tanh, dropout, out_proj
#include <cstdint>
#include <span>
#include <vector>

namespace molrt {

enum class HeadKind { linear = 1, pooled = 2 };  // MOLRT_HEAD_*

struct Head {
  HeadKind kind = HeadKind::linear;
  int width = 0;
  int outputs = 0;
  std::vector<float> dense_weight;  // [width, width] (out, in); empty for linear
  std::vector<float> dense_bias;    // [width]; empty for linear
  std::vector<float> out_weight;    // [outputs, width]
  std::vector<float> out_bias;      // [outputs]
};

// cls [rows, width] -> outputs [rows, outputs], evaluation mode (no dropout). A row's bytes do not
// depend on the other rows.
void head_forward(const Head& head, const float* cls, size_t rows, float* outputs);

}  // namespace molrt
