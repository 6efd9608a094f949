#pragma once
// The way back of the two pair kernels' features, on one chunk of pairs. Internal to
// trainable_pair_bias.
#include <memory>

#include "kernels/pair_features.h"
#include "nn/pair_bias.h"
#include "nn/parameters.h"
#include "nn/workspace.h"

namespace molrt {

// A chunk of pairs with its distances and edge types, padded to whole tiles.
struct PairChunk {
  size_t count;
  const float* distances;
  const int32_t* edge_types;
};

class PairFeaturesBackward {
 public:
  virtual ~PairFeaturesBackward() = default;
  // Parameters whose gradients every pair adds to; a part (below) is laid out in this order.
  const std::vector<Parameter>& dense() const { return dense_; }
  // The floats of a row that a pair adds to its edge type's row of w_edge; 0 without w_edge.
  virtual int edge_width() const = 0;

  // Features [padded_rows(count), K], as in the forward pass; padding rows are finite.
  virtual void forward(const PairChunk& chunk, float* features, Workspace& workspace) const = 0;
  // d_features [padded_rows(count), K], 0 in padding rows -> d_u [count], d_rows [count,
  // edge_width()], and added to `part`. Follows forward() on the same chunk and workspace.
  virtual void backward(const PairChunk& chunk, const float* d_features, float* d_u, float* d_rows,
                        float* part, Workspace& workspace) const = 0;
  // What was added up over all parts -> the gradients of dense().
  virtual void finish(const float* sum) const = 0;

 protected:
  std::vector<Parameter> dense_;
};

std::unique_ptr<PairFeaturesBackward> make_features_backward(const Parameters& parameters,
                                                             PairKernel kernel, int vocabulary);

}  // namespace molrt
