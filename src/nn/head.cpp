#include "nn/head.h"

#include "base/philox.h"
#include "kernels/dense.h"
#include "kernels/dropout.h"
#include "kernels/tanh.h"

namespace molrt {
namespace {

void fill_normal(std::span<float> values, uint64_t seed, uint32_t tensor, uint32_t sample) {
  const PhiloxKey key = random_key(seed, 0);
  const uint32_t purpose = random_purpose(Purpose::initialise, 0, sample);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(.02 * random_normal(key, tensor, 0, purpose, i));
}

// In place on rows [molecules, width]; its own backward pass too.
void drop(const HeadDropout& dropout, Site site, size_t width, float* rows) {
  if (dropout.p == 0) return;
  const PhiloxKey key = random_key(dropout.seed, dropout.step);
  for (size_t r = 0; r < dropout.molecules.size(); ++r)
    dropout_apply({key, dropout.molecules[r], site, dropout.purpose, dropout.p}, 0, width,
                  rows + r * width);
}

// The head's inputs, dropped about its centre.
void drop_inputs(const Head& head, const HeadDropout& dropout, std::vector<float>& rows) {
  const auto width = static_cast<size_t>(head.width);
  const auto shift = [&](float sign) {
    for (size_t i = 0; i < rows.size() && !head.centre.empty(); ++i)
      rows[i] += sign * head.centre[i % width];
  };
  if (dropout.p == 0) return;
  shift(-1);
  drop(dropout, site_head_in, width, rows.data());
  shift(1);
}

}  // namespace

Head make_head(HeadKind kind, int width, int outputs, int hidden) {
  const bool pooled = kind == HeadKind::pooled;
  Head head{kind, width, outputs, {}, {}, {}, {}, {}, pooled && hidden > 0 ? hidden : width};
  const auto columns = static_cast<size_t>(width), between = static_cast<size_t>(head.hidden);
  if (pooled) {
    head.dense_weight.resize(between * columns);
    head.dense_bias.resize(between);
  }
  head.out_weight.resize(static_cast<size_t>(outputs) * between);
  head.out_bias.resize(static_cast<size_t>(outputs));
  return head;
}

Head initialised_head(HeadKind kind, int width, int outputs, uint64_t seed, uint32_t sample,
                      int hidden) {
  Head head = make_head(kind, width, outputs, hidden);
  fill_normal(head.dense_weight, seed, 0, sample);
  fill_normal(head.out_weight, seed, 1, sample);
  return head;
}

std::array<std::span<float>, 4> parameters(Head& head) {
  return {head.dense_weight, head.dense_bias, head.out_weight, head.out_bias};
}

void set_zero(Head& head) {
  for (const auto& tensor : parameters(head)) std::fill(tensor.begin(), tensor.end(), 0.f);
}

namespace {

struct Sizes {
  size_t width, hidden, outputs;
};

Sizes sizes_of(const Head& head) {
  return {static_cast<size_t>(head.width), static_cast<size_t>(head.hidden),
          static_cast<size_t>(head.outputs)};
}

void pool(const Head& head, const float* inputs, size_t rows, std::vector<float>& pooled) {
  const auto [width, hidden, outputs] = sizes_of(head);
  pooled.resize(rows * hidden);
  dense_forward(inputs, head.dense_weight.data(), head.dense_bias.data(), rows, width, hidden,
                pooled.data());
  apply_tanh(pooled.data(), pooled.size());
}

}  // namespace

void head_forward(const Head& head, const float* inputs, size_t rows, float* outputs) {
  std::vector<float> pooled;
  if (head.kind == HeadKind::pooled) {
    pool(head, inputs, rows, pooled);
    inputs = pooled.data();
  }
  const auto [width, hidden, count] = sizes_of(head);
  dense_forward(inputs, head.out_weight.data(), head.out_bias.data(), rows, hidden, count, outputs);
}

void head_forward_training(const Head& head, const float* inputs, const HeadDropout& dropout,
                           HeadActivations& activations, float* outputs) {
  const auto [width, hidden, count] = sizes_of(head);
  const size_t rows = dropout.molecules.size();
  activations.input.assign(inputs, inputs + rows * width);
  drop_inputs(head, dropout, activations.input);
  const std::vector<float>* last = &activations.input;
  if (head.kind == HeadKind::pooled) {
    pool(head, activations.input.data(), rows, activations.pooled);
    activations.middle = activations.pooled;
    drop(dropout, site_head_mid, hidden, activations.middle.data());
    last = &activations.middle;
  }
  dense_forward(last->data(), head.out_weight.data(), head.out_bias.data(), rows, hidden, count,
                outputs);
}

namespace {

// Through out_proj, the second dropout and tanh: the gradient of dense's output, [rows, hidden].
std::vector<float> backward_to_dense(const Head& head, const HeadDropout& dropout,
                                     const HeadActivations& activations, const float* d_outputs) {
  const auto [width, hidden, count] = sizes_of(head);
  const size_t rows = dropout.molecules.size();
  std::vector<float> d_dense(rows * hidden);
  dense_backward_input(head.out_weight.data(), d_outputs, rows, hidden, count, d_dense.data());
  drop(dropout, site_head_mid, hidden, d_dense.data());
  for (size_t i = 0; i < d_dense.size(); ++i)
    d_dense[i] *= 1 - activations.pooled[i] * activations.pooled[i];
  return d_dense;
}

// Through the head's first layer, whose output has the gradient d_first, and the first dropout.
void backward_to_inputs(const Head& head, const HeadDropout& dropout, const float* d_first,
                        float* d_inputs) {
  const auto [width, hidden, count] = sizes_of(head);
  const bool pooled = head.kind == HeadKind::pooled;
  const std::vector<float>& first = pooled ? head.dense_weight : head.out_weight;
  dense_backward_input(first.data(), d_first, dropout.molecules.size(), width,
                       pooled ? hidden : count, d_inputs);
  drop(dropout, site_head_in, width, d_inputs);
}

}  // namespace

void head_input_gradient(const Head& head, const HeadDropout& dropout,
                         const HeadActivations& activations, const float* d_outputs,
                         float* d_inputs) {
  if (head.kind == HeadKind::linear) return backward_to_inputs(head, dropout, d_outputs, d_inputs);
  const std::vector<float> d_dense = backward_to_dense(head, dropout, activations, d_outputs);
  backward_to_inputs(head, dropout, d_dense.data(), d_inputs);
}

void head_backward(const Head& head, const HeadDropout& dropout, const HeadActivations& activations,
                   const float* d_outputs, Head& gradient, float* d_inputs) {
  const auto [width, hidden, count] = sizes_of(head);
  const size_t rows = dropout.molecules.size();
  const bool pooled = head.kind == HeadKind::pooled;
  dense_backward_parameters(pooled ? activations.middle.data() : activations.input.data(),
                            d_outputs, rows, hidden, count, gradient.out_weight.data(),
                            gradient.out_bias.data());
  std::vector<float> d_dense;
  if (pooled) {
    d_dense = backward_to_dense(head, dropout, activations, d_outputs);
    dense_backward_parameters(activations.input.data(), d_dense.data(), rows, width, hidden,
                              gradient.dense_weight.data(), gradient.dense_bias.data());
  }
  if (d_inputs != nullptr)
    backward_to_inputs(head, dropout, pooled ? d_dense.data() : d_outputs, d_inputs);
}

}  // namespace molrt
