#include "nn/pair_bias.h"

#include <algorithm>
#include <cmath>

#include "kernels/pair_features.h"

namespace molrt {

constexpr size_t pair_chunk = 10 * row_tile;  // pairs at a time: their features stay in cache

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
        linear1_(make_linear(weights, "gbf.proj.linear1", 1, 2 * pair_width, Epilogue::gelu)),
        linear2_(
            make_linear(weights, "gbf.proj.linear2", 2 * pair_width, pair_width, Epilogue::none)),
        norm_(weights, "gbf.ln", pair_width) {}

  void forward(const float* distances, const int32_t* edge_types, size_t pairs, float* out,
               Workspace& workspace) const override {
    float* hidden = workspace.pair_hidden.resize(pair_chunk * 2 * pair_width);
    linear1_.multiply(distances, pairs, hidden, workspace.matmul);
    linear2_.multiply(hidden, pairs, out, workspace.matmul);
    norm_.forward(out, pairs, out);
    add_edge_features({mul_, bias_}, w_edge_, distances, edge_types, pairs, pair_width, out);
  }

 private:
  std::vector<float> mul_, bias_, w_edge_;
  PackedMatrix linear1_, linear2_;
  LayerNorm norm_;
};

std::unique_ptr<PairFeatures> make_features(const Weights& weights, PairKernel kernel,
                                            int vocabulary) {
  if (kernel == PairKernel::gaussian)
    return std::make_unique<GaussianFeatures>(weights, vocabulary);
  return std::make_unique<NumericalEmbed>(weights, vocabulary);
}

// In double precision, as the peer's SciPy does it, then rounded.
float distance(const float* a, const float* b) {
  const double x = double{a[0]} - b[0], y = double{a[1]} - b[1], z = double{a[2]} - b[2];
  return static_cast<float>(std::sqrt(x * x + y * y + z * z));
}

// Distances and edge types of pairs first ... first + count of an n x n matrix, row by row.
void describe_pairs(const int32_t* tokens, const float* coordinates, size_t n, int vocabulary,
                    size_t first, size_t count, Workspace& w) {
  w.distances.resize(pair_chunk);
  w.edge_types.resize(pair_chunk);
  for (size_t p = 0; p < count; ++p) {
    const size_t i = (first + p) / n, j = (first + p) % n;  // query, key
    w.distances[p] = distance(coordinates + 3 * i, coordinates + 3 * j);
    w.edge_types[p] = tokens[i] * vocabulary + tokens[j];
  }
}

// rows [count, heads] -> pair [heads, n, pair_stride]
void scatter_heads(const AttentionShape& shape, const float* rows, size_t first, size_t count,
                   float* pair) {
  const size_t n = shape.tokens, heads = shape.heads, stride = shape.pair_stride();
  for (size_t p = 0; p < count; ++p) {
    const size_t i = (first + p) / n, j = (first + p) % n;
    for (size_t h = 0; h < heads; ++h) pair[(h * n + i) * stride + j] = rows[p * heads + h];
  }
}

}  // namespace

PairBias::PairBias(const Weights& weights, PairKernel kernel, int vocabulary, int heads)
    : vocabulary_(vocabulary),
      features_(make_features(weights, kernel, vocabulary)),
      linear1_(make_linear(weights, "gbf_proj.linear1", pair_width, pair_width, Epilogue::gelu)),
      linear2_(make_linear(weights, "gbf_proj.linear2", pair_width, heads, Epilogue::none)) {}
PairBias::~PairBias() = default;

void PairBias::forward(const AttentionShape& shape, const int32_t* tokens, const float* coordinates,
                       float* pair, Workspace& w) const {
  const size_t n = shape.tokens, pairs = n * n;
  float* features = w.pair_features.resize(pair_chunk * pair_width);
  float* hidden = w.pair_hidden.resize(pair_chunk * 2 * pair_width);
  float* rows = w.pair_bias_rows.resize(pair_chunk * shape.heads);
  std::fill(pair, pair + shape.pair_size(), -INFINITY);  // what stays so is padding
  for (size_t first = 0; first < pairs; first += pair_chunk) {
    const size_t count = std::min(pair_chunk, pairs - first);
    describe_pairs(tokens, coordinates, n, vocabulary_, first, count, w);
    features_->forward(w.distances.data(), w.edge_types.data(), count, features, w);
    linear1_.multiply(features, count, hidden, w.matmul);
    linear2_.multiply(hidden, count, rows, w.matmul);
    scatter_heads(shape, rows, first, count, pair);
  }
}

}  // namespace molrt
