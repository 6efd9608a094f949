#include "pretrain/output_head.h"

#include "kernels/gelu.h"
#include "nn/layer_parts.h"

namespace molrt {
namespace {

void pack(TrainableLinear& linear, Team& team, Product product) {
  linear.pack(product, Epilogue::none, nullptr, team.precision(), team.own());
}

}  // namespace

OutputHead::OutputHead(const Parameters& parameters, const Names& names, int width, int hidden,
                       int outputs)
    : width_(width),
      hidden_width_(hidden),
      outputs_(outputs),
      dense_(parameters, names.dense, width, hidden),
      out_(parameters, names.out, hidden, outputs) {
  if (!names.norm.empty()) norm_.emplace(parameters, names.norm, hidden);
}

float* OutputHead::inputs(size_t rows) {
  rows_ = padded_rows(rows);
  return input_.zeros(rows_ * width_);
}

const float* OutputHead::forward(Team& team) {
  const size_t floats = rows_ * hidden_width_;
  pack(dense_, team, Product::forward);
  pack(out_, team, Product::forward);
  float* before = before_.resize(floats);
  float* hidden = hidden_.resize(floats);
  dense_.forward(team, input_.data(), rows_, before);
  share_values(team, floats,
               [&](size_t first, size_t n) { gelu_forward(before + first, n, hidden + first); });
  if (norm_) norm_->forward(team, hidden, rows_, normed_.resize(floats));
  out_.forward(team, normed(), rows_, output_.resize(rows_ * outputs_));
  return output_.data();
}

float* OutputHead::output_gradients() { return d_output_.zeros(rows_ * outputs_); }

const float* OutputHead::backward(Team& team) {
  const size_t floats = rows_ * hidden_width_;
  pack(dense_, team, Product::backward);
  pack(out_, team, Product::backward);
  float* d_hidden = d_hidden_.zeros(floats);
  float* d_normed = norm_ ? d_normed_.resize(floats) : d_hidden;
  out_.backward(team, normed(), d_output_.data(), rows_, d_normed);
  if (norm_)
    norm_->backward(team, hidden_.data(), d_normed, rows_, d_hidden, statistics_.resize(2 * rows_));
  const float* before = before_.data();
  share_values(team, floats, [&](size_t first, size_t n) {
    gelu_backward(before + first, d_hidden + first, n, d_hidden + first);
  });
  dense_.backward(team, input_.data(), d_hidden, rows_, d_input_.resize(rows_ * width_));
  return d_input_.data();
}

}  // namespace molrt
