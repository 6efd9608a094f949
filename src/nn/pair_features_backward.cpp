#include "nn/pair_features_backward.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "kernels/gelu.h"
#include "kernels/layer_norm.h"
#include "kernels/matmul.h"
#include "nn/pairs.h"

namespace molrt {
namespace {

EdgeTables edge_tables(const Parameters& p, int vocabulary) {
  const int64_t pairs = int64_t{vocabulary} * vocabulary;
  return {p.get("gbf.mul.weight", {pairs, 1}).value, p.get("gbf.bias.weight", {pairs, 1}).value};
}

void add(const float* from, std::span<float> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

class GaussianBackward : public PairFeaturesBackward {
 public:
  GaussianBackward(const Parameters& p, int vocabulary)
      : edges_(edge_tables(p, vocabulary)),
        means_(p.get("gbf.means.weight", {1, pair_width})),
        stds_(p.get("gbf.stds.weight", {1, pair_width})) {
    for (const float std : stds_.value) widths_.push_back(std::fabs(std) + 1e-5f);
    dense_ = {means_, stds_};
  }
  int edge_width() const override { return 0; }

  void forward(const PairChunk& c, float* features, Workspace&) const override {
    gaussian_features(edges_, means_.value, widths_, c.distances, c.edge_types, c.count, features);
    std::fill(features + c.count * pair_width, features + padded_rows(c.count) * pair_width, 0.0f);
  }
  void backward(const PairChunk& c, const float* d_features, float* d_u, float*, float* part,
                Workspace&) const override {
    gaussian_features_backward(edges_, means_.value, widths_, c.distances, c.edge_types, c.count,
                               d_features, d_u, part, part + pair_width);
  }
  void finish(const float* sum) const override {
    add(sum, means_.gradient);
    for (int k = 0; k < pair_width; ++k) {  // the width is |std| + 1e-5
      const float sign = static_cast<float>((stds_.value[k] > 0) - (stds_.value[k] < 0));
      stds_.gradient[k] += sign * sum[pair_width + k];
    }
  }

 private:
  EdgeTables edges_;
  Parameter means_, stds_;
  std::vector<float> widths_;
};

// h = LN(W2 gelu(W1 d + b1) + b2) + w_edge[e] * sigmoid(mul[e] d + bias[e])
class NumericalEmbedBackward : public PairFeaturesBackward {
 public:
  static constexpr int hidden = 2 * pair_width;

  NumericalEmbedBackward(const Parameters& p, int vocabulary)
      : edges_(edge_tables(p, vocabulary)),
        w_edge_(p.get("gbf.w_edge.weight", {int64_t{vocabulary} * vocabulary, pair_width})),
        gradient1_(1, hidden),
        gradient2_(hidden, pair_width) {
    dense_ = {p.get("gbf.proj.linear1.weight", {hidden, 1}),
              p.get("gbf.proj.linear1.bias", {hidden}),
              p.get("gbf.proj.linear2.weight", {pair_width, hidden}),
              p.get("gbf.proj.linear2.bias", {pair_width}),
              p.get("gbf.ln.weight", {pair_width}),
              p.get("gbf.ln.bias", {pair_width})};
    const auto& d = dense_;
    linear1_.emplace(d[0].value, d[1].value, 1, hidden, Epilogue::none);
    linear2_.emplace(d[2].value, d[3].value, hidden, pair_width, Epilogue::none);
    linear2_back_.emplace(d[2].value, d[3].value, hidden, pair_width, Epilogue::none,
                          Product::backward);
  }
  int edge_width() const override { return pair_width; }

  void forward(const PairChunk& c, float* features, Workspace& w) const override {
    const Arrays a(w);
    const size_t rows = padded_rows(c.count);
    linear1_->multiply(c.distances, rows, a.before, w.matmul);
    gelu_forward(a.before, rows * hidden, a.after);
    linear2_->multiply(a.after, rows, a.sum, w.matmul);
    layer_norm(a.sum, rows, dense_[4].value, dense_[5].value, features);
    add_edge_features(edges_, w_edge_.value, c.distances, c.edge_types, c.count, pair_width,
                      features);
  }

  void backward(const PairChunk& c, const float* d_features, float* d_u, float* d_rows, float* part,
                Workspace& w) const override {
    const Arrays a(w);
    const size_t rows = padded_rows(c.count);
    float* d_weight1 = part;
    float* d_bias1 = d_weight1 + hidden;
    float* d_weight2 = d_bias1 + hidden;
    float* d_bias2 = d_weight2 + hidden * pair_width;
    float* d_norm = d_bias2 + pair_width;
    add_edge_features_backward(edges_, w_edge_.value, c.distances, c.edge_types, c.count,
                               pair_width, d_features, d_u, d_rows);
    std::fill(a.d_sum, a.d_sum + rows * pair_width, 0.0f);
    layer_norm_backward(a.sum, d_features, rows, dense_[4].value, a.d_sum, a.statistics);
    layer_norm_backward_parameters(a.sum, d_features, a.statistics, rows, pair_width, 0, pair_width,
                                   d_norm, d_norm + pair_width);
    accumulate(gradient2_, a.d_sum, a.after, rows, d_weight2, d_bias2, w);
    linear2_back_->multiply(a.d_sum, rows, a.d_before, w.matmul);
    gelu_backward(a.before, a.d_before, rows * hidden, a.d_before);
    accumulate(gradient1_, a.d_before, c.distances, rows, d_weight1, d_bias1, w);
  }

  void finish(const float* sum) const override {
    for (const Parameter& p : dense_) {
      add(sum, p.gradient);
      sum += p.gradient.size();
    }
  }

 private:
  // Of one chunk, in the workspace.
  struct Arrays {
    float *before, *after, *d_before;  // [pair_chunk, hidden]
    float *sum, *d_sum, *statistics;   // [pair_chunk, K], [pair_chunk, 2]
    explicit Arrays(Workspace& w) {
      before = w.pair_hidden.resize(pair_chunk * (3 * hidden + 2 * pair_width + 2));
      after = before + pair_chunk * hidden;
      d_before = after + pair_chunk * hidden;
      sum = d_before + pair_chunk * hidden;
      d_sum = sum + pair_chunk * pair_width;
      statistics = d_sum + pair_chunk * pair_width;
    }
  };

  static void accumulate(const WeightGradient& gradient, const float* d_y, const float* x,
                         size_t rows, float* d_weight, float* d_bias, Workspace& w) {
    for (int block = 0; block < gradient.blocks(); ++block)
      gradient.accumulate(block, {x, d_y, rows}, d_weight, d_bias, w.matmul);
  }

  EdgeTables edges_;
  Parameter w_edge_;
  std::optional<PackedMatrix> linear1_, linear2_, linear2_back_;
  WeightGradient gradient1_, gradient2_;
};

}  // namespace

std::unique_ptr<PairFeaturesBackward> make_features_backward(const Parameters& parameters,
                                                             PairKernel kernel, int vocabulary) {
  if (kernel == PairKernel::gaussian)
    return std::make_unique<GaussianBackward>(parameters, vocabulary);
  return std::make_unique<NumericalEmbedBackward>(parameters, vocabulary);
}

}  // namespace molrt
