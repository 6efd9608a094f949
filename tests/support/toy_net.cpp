#include "support/toy_net.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "kernels/dense.h"
#include "kernels/dropout.h"

namespace molrt {

ToyNet::ToyNet(const std::vector<size_t>& widths, std::vector<double> rates, uint64_t seed)
    : rates_(std::move(rates)) {
  for (uint32_t k = 0; k + 1 < widths.size(); ++k) {
    const size_t in = widths[k], out = widths[k + 1];
    std::vector<float> weight(in * out), bias(out);
    for (size_t i = 0; i < weight.size(); ++i)
      weight[i] = static_cast<float>(
          std::sqrt(2. / static_cast<double>(in)) *
          random_normal(random_key(seed, 0), k, 0, random_purpose(Purpose::initialise), i));
    layers_.push_back({in, out, weight, bias, weight, bias, {}});
  }
  clear_gradients();
}

void ToyNet::drop(size_t layer, const std::optional<ToyNoise>& noise,
                  std::vector<float>& values) const {
  if (!noise || rates_[layer] == 0) return;
  const size_t width = layers_[layer].in;
  const auto site = site_layer_first + static_cast<uint32_t>(layer);
  for (uint32_t row = 0; row < values.size() / width; ++row)
    dropout_apply({noise->key, row, site, noise->purpose, rates_[layer]}, 0, width,
                  values.data() + row * width);
}

std::vector<float> ToyNet::forward(const std::vector<float>& inputs,
                                   std::optional<ToyNoise> noise) {
  std::vector<float> x = inputs;
  for (size_t k = 0; k < layers_.size(); ++k) {
    Layer& layer = layers_[k];
    if (k > 0)
      for (float& value : x) value = std::max(value, 0.f);
    drop(k, noise, x);
    layer.input = std::move(x);
    const size_t rows = layer.input.size() / layer.in;
    x.assign(rows * layer.out, 0);
    dense_forward(layer.input.data(), layer.weight.data(), layer.bias.data(), rows, layer.in,
                  layer.out, x.data());
  }
  return x;
}

void ToyNet::backward(const std::vector<float>& d_outputs, std::optional<ToyNoise> noise) {
  std::vector<float> d = d_outputs;
  for (size_t k = layers_.size(); k-- > 0;) {
    Layer& layer = layers_[k];
    const size_t rows = d.size() / layer.out;
    dense_backward_parameters(layer.input.data(), d.data(), rows, layer.in, layer.out,
                              layer.d_weight.data(), layer.d_bias.data());
    if (k == 0) return;
    std::vector<float> d_input(layer.input.size());
    dense_backward_input(layer.weight.data(), d.data(), rows, layer.in, layer.out, d_input.data());
    drop(k, noise, d_input);
    for (size_t i = 0; i < d_input.size(); ++i)
      if (layer.input[i] == 0) d_input[i] = 0;  // the ReLU's; dropped ones are 0 already
    d = std::move(d_input);
  }
}

std::vector<TrainedTensor> ToyNet::tensors() {
  std::vector<TrainedTensor> all;
  for (Layer& layer : layers_) {
    const std::string name = std::to_string(all.size() / 2);
    all.push_back({name + ".weight", layer.weight, layer.d_weight});
    all.push_back({name + ".bias", layer.bias, layer.d_bias});
  }
  return all;
}

void ToyNet::clear_gradients() {
  for (const TrainedTensor& t : tensors()) std::fill(t.gradient.begin(), t.gradient.end(), 0.f);
}

}  // namespace molrt
