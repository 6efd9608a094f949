#include "support/oracle.h"

#include <cmath>

namespace molrt::test {
namespace {

using Vector = std::vector<double>;

class Oracle {
 public:
  Oracle(const Architecture& a, const OracleWeights& weights, const EncoderNoise& noise,
         const AttentionHook& hook)
      : a_(a), weights_(weights), noise_(noise), hook_(hook) {}

  Vector run(const Features& m) {
    n_ = m.length();
    x_.clear();
    const Vector& embedding = get("embed_tokens.weight");
    for (int token : m.tokens)
      x_.insert(x_.end(), &embedding[token * a_.width], &embedding[token * a_.width] + a_.width);
    x_ = norm("encoder.emb_layer_norm", x_);
    drop(x_, noise_.embedding, site_emb);
    pair_ = pair_bias(m);
    for (int i = 0; i < a_.layers; ++i) layer(i);
    return norm("encoder.final_layer_norm", x_);
  }

 private:
  const Vector& get(const std::string& name) const { return weights_.at(name); }

  // 0 or 1/(1-p), of element `flat` of a site.
  double keep(double p, uint32_t site, uint64_t flat) const {
    if (p == 0) return 1;
    const uint32_t word = random_u32(noise_.key, noise_.molecules[0], site, noise_.purpose, flat);
    return word < std::floor(p * 4294967296.0) ? 0 : 1 / (1 - p);
  }

  void drop(Vector& x, double p, uint32_t site) const {
    for (size_t i = 0; i < x.size(); ++i) x[i] *= keep(p, site, i);
  }

  static double gelu(double x) { return .5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

  Vector linear(const std::string& name, const Vector& x) const {
    const Vector &w = get(name + ".weight"), &b = get(name + ".bias");
    const size_t outputs = b.size(), inputs = w.size() / outputs, rows = x.size() / inputs;
    Vector y(rows * outputs);
    for (size_t r = 0; r < rows; ++r)
      for (size_t o = 0; o < outputs; ++o) {
        double sum = b[o];
        for (size_t i = 0; i < inputs; ++i) sum += x[r * inputs + i] * w[o * inputs + i];
        y[r * outputs + o] = sum;
      }
    return y;
  }

  Vector norm(const std::string& name, const Vector& x) const {
    const Vector &w = get(name + ".weight"), &b = get(name + ".bias");
    const size_t width = w.size();
    Vector y(x.size());
    for (size_t first = 0; first < x.size(); first += width) {
      double mean = 0, variance = 0;
      for (size_t i = 0; i < width; ++i) mean += x[first + i] / width;
      for (size_t i = 0; i < width; ++i) variance += std::pow(x[first + i] - mean, 2) / width;
      for (size_t i = 0; i < width; ++i)
        y[first + i] = (x[first + i] - mean) / std::sqrt(variance + 1e-5) * w[i] + b[i];
    }
    return y;
  }

  static Vector map_gelu(Vector x) {
    for (double& v : x) v = gelu(v);
    return x;
  }

  Vector pair_features(double d, int edge) const {
    const double u = get("gbf.mul.weight")[edge] * d + get("gbf.bias.weight")[edge];
    if (a_.kernel == PairKernel::linear) {
      Vector h =
          norm("gbf.ln", linear("gbf.proj.linear2", map_gelu(linear("gbf.proj.linear1", {d}))));
      const Vector& w = get("gbf.w_edge.weight");
      for (size_t k = 0; k < h.size(); ++k) h[k] += w[edge * h.size() + k] / (1 + std::exp(-u));
      return h;
    }
    const Vector &means = get("gbf.means.weight"), &stds = get("gbf.stds.weight");
    Vector g(means.size());
    for (size_t k = 0; k < g.size(); ++k) {
      const double s = std::fabs(stds[k]) + 1e-5;
      g[k] = std::exp(-.5 * std::pow((u - means[k]) / s, 2)) / (std::sqrt(2 * 3.14159) * s);
    }
    return g;
  }

  Vector pair_bias(const Features& m) const {  // [n, n, heads]
    Vector features;
    for (int i = 0; i < n_; ++i)
      for (int j = 0; j < n_; ++j) {
        double square = 0;
        for (int c = 0; c < 3; ++c)
          square += std::pow(double{m.coordinates[3 * i + c]} - m.coordinates[3 * j + c], 2);
        const double d = static_cast<float>(std::sqrt(square));
        const Vector f = pair_features(d, m.tokens[i] * a_.vocabulary + m.tokens[j]);
        features.insert(features.end(), f.begin(), f.end());
      }
    return linear("gbf_proj.linear2", map_gelu(linear("gbf_proj.linear1", features)));
  }

  bool is_dropped(int layer, int h, int i, int j) const {
    const uint16_t* mask = noise_.dropped(layer, 0);
    const int words = (n_ + 15) / 16;
    return mask && mask[(h * n_ + i) * words + j / 16] >> j % 16 & 1;
  }

  // Adds a query's scores to its logits and returns its attention.
  Vector attention_row(const Vector& qkv, int layer, int h, int i) {
    const int size = a_.width / a_.heads, stride = 3 * a_.width;
    double sum = 0;
    Vector row(n_);
    for (int j = 0; j < n_; ++j) {
      double& logit = pair_[(i * n_ + j) * a_.heads + h];
      double dot = 0;
      for (int c = 0; c < size; ++c)
        dot += qkv[i * stride + h * size + c] * qkv[j * stride + a_.width + h * size + c];
      logit += dot / std::sqrt(double(size));
      sum += row[j] = is_dropped(layer, h, i, j) ? 0 : std::exp(logit);
    }
    const uint32_t site = layer_site(layer, site_attention);
    for (int j = 0; j < n_; ++j)
      row[j] *= keep(noise_.attention, site, (uint64_t(h) * n_ + i) * n_ + j) / sum;
    if (hook_) hook_(layer, h, i, row);
    return row;
  }

  Vector attention(const Vector& qkv, int layer) {
    const int size = a_.width / a_.heads, stride = 3 * a_.width;
    Vector context(n_ * a_.width, 0.0);
    for (int h = 0; h < a_.heads; ++h)
      for (int i = 0; i < n_; ++i) {
        const Vector row = attention_row(qkv, layer, h, i);
        for (int j = 0; j < n_; ++j)
          for (int c = 0; c < size; ++c)
            context[i * a_.width + h * size + c] +=
                row[j] * qkv[j * stride + 2 * a_.width + h * size + c];
      }
    return context;
  }

  void add(Vector y, uint32_t site) {
    drop(y, noise_.residual, site);
    for (size_t i = 0; i < x_.size(); ++i) x_[i] += y[i];
  }

  void layer(int index) {
    const std::string name = "encoder.layers." + std::to_string(index);
    const auto site = [&](LayerSite s) { return layer_site(index, s); };
    const Vector qkv =
        linear(name + ".self_attn.in_proj", norm(name + ".self_attn_layer_norm", x_));
    add(linear(name + ".self_attn.out_proj", attention(qkv, index)), site(site_residual_1));
    Vector hidden = map_gelu(linear(name + ".fc1", norm(name + ".final_layer_norm", x_)));
    drop(hidden, noise_.activation, site(site_activation));
    add(linear(name + ".fc2", hidden), site(site_residual_2));
  }

  const Architecture& a_;
  const OracleWeights& weights_;
  const EncoderNoise& noise_;
  const AttentionHook& hook_;
  int n_ = 0;
  Vector x_;     // [n, width]
  Vector pair_;  // [n, n, heads]: the bias, then each layer's logits
};

}  // namespace

TensorMap perturbed(const TensorMap& tensors, double deviation) {
  TensorMap result;
  uint32_t index = 0;
  for (const auto& [name, tensor] : tensors) {
    std::vector<float> values = to_f32(tensor);
    ++index;
    for (size_t i = 0; i < values.size(); ++i)
      values[i] += static_cast<float>(deviation * random_normal({7, 7}, index, 0, 0, i));
    result[name] = make_tensor(tensor.shape, std::move(values));
  }
  return result;
}

OracleWeights oracle_weights(const TensorMap& tensors) {
  OracleWeights weights;
  for (const auto& [name, tensor] : tensors) {
    const auto values = to_f32(tensor);
    weights[name] = {values.begin(), values.end()};
  }
  return weights;
}

std::vector<double> oracle_representation(const Architecture& architecture,
                                          const OracleWeights& weights, const Features& molecule,
                                          const EncoderNoise& noise, const AttentionHook& hook) {
  return Oracle(architecture, weights, noise, hook).run(molecule);
}

}  // namespace molrt::test
