#pragma once
// A small network for the experiments of regularisers.md (tier A), made of molrt's kernels: dense
// layers with a ReLU behind each but the last, and dropout before any of them.
#include <optional>
#include <vector>

#include "base/philox.h"
#include "train/optimiser.h"

namespace molrt {

// Which masks a pass has; row i of a batch is molecule i, layer k is a site.
struct ToyNoise {
  PhiloxKey key;
  uint32_t purpose;
};

class ToyNet {
 public:
  // rates: dropout's on each layer's input. He-normal weights, zero biases.
  ToyNet(const std::vector<size_t>& widths, std::vector<double> rates, uint64_t seed);

  // inputs [rows, in] -> outputs [rows, out]. Without noise: no dropout.
  std::vector<float> forward(const std::vector<float>& inputs, std::optional<ToyNoise> noise = {});
  // Adds to the gradients those of the last forward pass, which had this noise.
  void backward(const std::vector<float>& d_outputs, std::optional<ToyNoise> noise = {});

  std::vector<TrainedTensor> tensors();
  void clear_gradients();

  struct Layer {
    size_t in, out;
    std::vector<float> weight, bias, d_weight, d_bias;
    std::vector<float> input;  // of the last pass, behind dropout
  };
  std::vector<Layer>& layers() { return layers_; }

 private:
  void drop(size_t layer, const std::optional<ToyNoise>& noise, std::vector<float>& values) const;
  std::vector<Layer> layers_;
  std::vector<double> rates_;
};

}  // namespace molrt
