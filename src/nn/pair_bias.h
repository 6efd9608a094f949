#pragma once
// Distances and edge types -> the first layer's attention bias (spec: model.md section 3, Pair
// bias): pair features (gaussian or linear), then linear1, gelu, linear2.
#include <memory>

#include "kernels/attention.h"
#include "nn/linear.h"
#include "nn/pairs.h"
#include "nn/workspace.h"

namespace molrt {

constexpr int pair_width = 128;                      // K
enum class PairKernel { gaussian = 1, linear = 2 };  // MOLRT_KERNEL_*

class PairFeatures;  // distances, edge types -> [pairs, K]

class PairBias {
 public:
  PairBias(const Weights& weights, PairKernel kernel, int vocabulary, int heads);
  ~PairBias();

  // tokens [n], coordinates [n, 3] -> pair [heads, n, pair_stride], for one molecule.
  void forward(Team& team, const AttentionShape& shape, const int32_t* tokens,
               const float* coordinates, float* pair) const;
  void pack(Precision precision) const;

 private:
  void chunk(Precision precision, const AttentionShape& shape, const int32_t* tokens,
             const float* coordinates, PairRange range, float* pair, Workspace& workspace) const;
  int vocabulary_;
  std::unique_ptr<PairFeatures> features_;
  Linear linear1_, linear2_;
};

}  // namespace molrt
