#include "model/initialise.h"

#include <cmath>

#include "base/error.h"
#include "base/philox.h"

namespace molrt {
namespace {

// FNV-1a, so that a tensor's values depend on its name and not on the order of creation.
uint32_t name_hash(const std::string& name) {
  uint32_t hash = 2166136261u;
  for (unsigned char c : name) hash = (hash ^ c) * 16777619u;
  return hash;
}

class Initialiser {
 public:
  explicit Initialiser(uint64_t seed) : key_(random_key(seed, 0)) {}
  TensorMap tensors;

  void normal(const std::string& name, std::vector<int64_t> shape, double deviation) {
    fill(name, std::move(shape), [&, a = name_hash(name)](size_t i) {
      return deviation * random_normal(key_, a, 0, purpose_, i);
    });
  }
  void uniform(const std::string& name, std::vector<int64_t> shape, double largest) {
    fill(name, std::move(shape), [&, a = name_hash(name)](size_t i) {
      return largest * random_uniform(random_u32(key_, a, 0, purpose_, i));
    });
  }
  void constant(const std::string& name, std::vector<int64_t> shape, double value) {
    fill(name, std::move(shape), [value](size_t) { return value; });
  }
  void linear(const std::string& name, int64_t inputs, int64_t outputs) {
    normal(name + ".weight", {outputs, inputs}, .02);
    constant(name + ".bias", {outputs}, 0);
  }
  void norm(const std::string& name, int64_t width) {
    constant(name + ".weight", {width}, 1);
    constant(name + ".bias", {width}, 0);
  }

 private:
  template <typename Value>
  void fill(const std::string& name, std::vector<int64_t> shape, const Value& value) {
    size_t count = 1;
    for (int64_t n : shape) count *= n;
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(value(i));
    tensors[name] = make_tensor(std::move(shape), std::move(values));
  }

  PhiloxKey key_;
  uint32_t purpose_ = random_purpose(Purpose::initialise);
};

void pair_kernel(const Architecture& a, Initialiser& init) {
  const int64_t edges = int64_t{a.vocabulary} * a.vocabulary;
  init.constant("gbf.mul.weight", {edges, 1}, 1);
  init.constant("gbf.bias.weight", {edges, 1}, 0);
  if (a.kernel == PairKernel::gaussian) {
    init.uniform("gbf.means.weight", {1, pair_width}, 3);
    init.uniform("gbf.stds.weight", {1, pair_width}, 3);
  } else {
    init.normal("gbf.w_edge.weight", {edges, pair_width}, std::sqrt(2.0 / pair_width));
    init.linear("gbf.proj.linear1", 1, 2 * pair_width);
    init.linear("gbf.proj.linear2", 2 * pair_width, pair_width);
    init.norm("gbf.ln", pair_width);
  }
  init.linear("gbf_proj.linear1", pair_width, pair_width);
  init.linear("gbf_proj.linear2", pair_width, a.heads);
}

void encoder_layer(const Architecture& a, const std::string& name, Initialiser& init) {
  init.norm(name + ".self_attn_layer_norm", a.width);
  init.linear(name + ".self_attn.in_proj", a.width, 3 * a.width);
  init.linear(name + ".self_attn.out_proj", a.width, a.width);
  init.norm(name + ".final_layer_norm", a.width);
  init.linear(name + ".fc1", a.width, a.ffn);
  init.linear(name + ".fc2", a.ffn, a.width);
}

TensorMap untrained_tensors(const Architecture& a, uint64_t seed) {
  Initialiser init(seed);
  init.normal("embed_tokens.weight", {a.vocabulary, a.width}, .02);
  init.norm("encoder.emb_layer_norm", a.width);
  init.norm("encoder.final_layer_norm", a.width);
  for (int i = 0; i < a.layers; ++i) encoder_layer(a, fmt::format("encoder.layers.{}", i), init);
  pair_kernel(a, init);
  return std::move(init.tensors);
}

}  // namespace

Model initialise_model(const Architecture& architecture, Hydrogens hydrogens, TokenLayout layout,
                       uint64_t seed) {
  check_architecture(architecture);
  ModelCard card;
  card.architecture = architecture;
  card.dictionary_text = Dictionary::shipped_text(architecture.vocabulary);
  card.layout = layout;
  card.hydrogens = hydrogens;
  card.provenance = fmt::format(R"({{"untrained":true,"seed":{}}})", seed);
  return Model(std::move(card), untrained_tensors(architecture, seed), "untrained model");
}

}  // namespace molrt
