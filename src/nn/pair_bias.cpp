#include "nn/pair_bias.h"

#include <algorithm>
#include <cmath>

#include "kernels/pair_features.h"
#include "nn/pairs.h"

namespace molrt {

class PairFeatures {
 public:
  virtual ~PairFeatures() = default;
  // out [padded_rows(pairs), K]
  virtual void forward(const float* distances, const int32_t* edge_types, size_t pairs, float* out,
                       Workspace& workspace) const = 0;
};

namespace {

std::vector<float> edge_table(const Weights& weights, const std::string& name, int vocabulary) {
  return weights.get(name, {int64_t{vocabulary} * vocabulary, 1});
}

std::vector<float> gaussian_widths(const Weights& weights) {
  std::vector<float> widths = weights.get("gbf.stds.weight", {1, pair_width});
  for (float& width : widths) width = std::fabs(width) + 1e-5f;
  return widths;
}

class GaussianFeatures : public PairFeatures {
 public:
  GaussianFeatures(const Weights& weights, int vocabulary)
      : mul_(edge_table(weights, "gbf.mul.weight", vocabulary)),
        bias_(edge_table(weights, "gbf.bias.weight", vocabulary)),
        means_(weights.get("gbf.means.weight", {1, pair_width})),
        widths_(gaussian_widths(weights)) {}

  void forward(const float* distances, const int32_t* edge_types, size_t pairs, float* out,
               Workspace&) const override {
    gaussian_features({mul_, bias_}, means_, widths_, distances, edge_types, pairs, out);
  }

 private:
  std::vector<float> mul_, bias_, means_, widths_;
};

// h = LN(W2 gelu(W1 d + b1) + b2) + w_edge[e] * sigmoid(mul[e] d + bias[e])
class NumericalEmbed : public PairFeatures {
 public:
  NumericalEmbed(const Weights& weights, int vocabulary)
      : mul_(edge_table(weights, "gbf.mul.weight", vocabulary)),
        bias_(edge_table(weights, "gbf.bias.weight", vocabulary)),
        w_edge_(weights.get("gbf.w_edge.weight", {int64_t{vocabulary} * vocabulary, pair_width})),
        linear1_(weights, "gbf.proj.linear1", 1, 2 * pair_width, Epilogue::gelu),
        linear2_(weights, "gbf.proj.linear2", 2 * pair_width, pair_width, Epilogue::none),
        norm_(weights, "gbf.ln", pair_width) {}

  void forward(const float* distances, const int32_t* edge_types, size_t pairs, float* out,
               Workspace& workspace) const override {
    float* hidden = workspace.pair_hidden.resize(pair_chunk * 2 * pair_width);
    linear1_.multiply(Precision::f32, distances, pairs, hidden, workspace.matmul);
    linear2_.multiply(Precision::f32, hidden, pairs, out, workspace.matmul);
    norm_.forward(out, pairs, out);
    add_edge_features({mul_, bias_}, w_edge_, distances, edge_types, pairs, pair_width, out);
  }

 private:
  std::vector<float> mul_, bias_, w_edge_;
  Linear linear1_, linear2_;
  LayerNorm norm_;
};

std::unique_ptr<PairFeatures> make_features(const Weights& weights, PairKernel kernel,
                                            int vocabulary) {
  if (kernel == PairKernel::gaussian)
    return std::make_unique<GaussianFeatures>(weights, vocabulary);
  return std::make_unique<NumericalEmbed>(weights, vocabulary);
}

}  // namespace

PairBias::PairBias(const Weights& weights, PairKernel kernel, int vocabulary, int heads)
    : vocabulary_(vocabulary),
      features_(make_features(weights, kernel, vocabulary)),
      linear1_(weights, "gbf_proj.linear1", pair_width, pair_width, Epilogue::gelu),
      linear2_(weights, "gbf_proj.linear2", pair_width, heads, Epilogue::none) {}
PairBias::~PairBias() = default;

void PairBias::pack(Precision precision) const {
  linear1_.pack(precision);
  linear2_.pack(precision);
}

void PairBias::forward(Team& team, const AttentionShape& shape, const int32_t* tokens,
                       const float* coordinates, float* pair) const {
  const size_t pairs = size_t(shape.tokens) * shape.tokens;
  const size_t chunk = team.size() == 1 ? pair_chunk : 2 * row_tile;
  std::fill(pair, pair + shape.pair_size(), -INFINITY);  // what stays so is padding
  team.share((pairs + chunk - 1) / chunk, [&](size_t i, Workspace& w) {
    const PairRange range{i * chunk, std::min(chunk, pairs - i * chunk)};
    this->chunk(team.precision(), shape, tokens, coordinates, range, pair, w);
  });
}

void PairBias::chunk(Precision precision, const AttentionShape& shape, const int32_t* tokens,
                     const float* coordinates, PairRange range, float* pair, Workspace& w) const {
  float* features = w.pair_features.resize(pair_chunk * pair_width);
  float* hidden = w.pair_hidden.resize(pair_chunk * 2 * pair_width);
  float* rows = w.pair_bias_rows.resize(pair_chunk * shape.heads);
  w.distances.resize(pair_chunk);
  w.edge_types.resize(pair_chunk);
  describe_pairs(tokens, coordinates, shape.tokens, vocabulary_, range, w.distances.data(),
                 w.edge_types.data());
  features_->forward(w.distances.data(), w.edge_types.data(), range.count, features, w);
  linear1_.multiply(precision, features, range.count, hidden, w.matmul);
  linear2_.multiply(precision, hidden, range.count, rows, w.matmul);
  match_heads(shape, range, rows, pair, [](float& row, float& bias) { bias = row; });
}

}  // namespace molrt
