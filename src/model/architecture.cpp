#include "model/architecture.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace molrt {
namespace {

constexpr int64_t largest_size = 1 << 20;  // of any dimension: products stay far from overflow

int checked_size(const Weights& weights, const std::string& tensor, size_t rank, size_t dimension) {
  const int64_t size = weights.shape(tensor, rank)[dimension];
  if (size < 1 || size > largest_size)
    fail(MOLRT_ERROR_FORMAT, "{}: tensor '{}' has shape {}; expected sizes from 1 to {}",
         weights.file(), tensor, shape_text(weights.shape(tensor, rank)), largest_size);
  return static_cast<int>(size);
}

PairKernel infer_kernel(const Weights& weights) {
  if (weights.has("gbf.means.weight")) return PairKernel::gaussian;
  if (weights.has("gbf.w_edge.weight")) return PairKernel::linear;
  fail(MOLRT_ERROR_FORMAT,
       "{}: no Uni-Mol weights: neither 'gbf.means.weight' (gaussian pair kernel) nor "
       "'gbf.w_edge.weight' (linear pair kernel) is there",
       weights.file());
}

// The layer that a tensor belongs to, -1 if none.
int layer_of(const std::string& name) {
  static const std::string prefix = "encoder.layers.";
  if (!name.starts_with(prefix)) return -1;
  int layer = -1;
  std::from_chars(name.data() + prefix.size(), name.data() + name.size(), layer);
  return layer;
}

// One more than the highest layer there is: a gap below it is a missing tensor, not a smaller
// network.
int count_layers(const Weights& weights) {
  int layers = 0;
  for (const auto& [name, tensor] : weights.all()) layers = std::max(layers, layer_of(name) + 1);
  if (layers == 0)
    fail(MOLRT_ERROR_FORMAT, "{}: tensor 'encoder.layers.0.fc1.weight' is missing", weights.file());
  if (layers > most_layers)
    fail(MOLRT_ERROR_FORMAT, "{}: a tensor of layer {}; expected at most {} layers", weights.file(),
         layers - 1, most_layers);
  return layers;
}

}  // namespace

const char* kernel_name(PairKernel kernel) {
  return kernel == PairKernel::gaussian ? "gaussian" : "linear";
}

std::string sizes_text(const Architecture& a) {
  return fmt::format("{} kernel, {} layers, width {}, ffn {}, {} heads, vocabulary {}",
                     kernel_name(a.kernel), a.layers, a.width, a.ffn, a.heads, a.vocabulary);
}

Architecture official_architecture(PairKernel kernel) {
  const bool molecule = kernel == PairKernel::gaussian;
  return {kernel, molecule ? 15 : 8, 512, 2048, 64, molecule ? 31 : 94};
}

Architecture infer_architecture(const Weights& weights) {
  Architecture a;
  a.kernel = infer_kernel(weights);
  a.layers = count_layers(weights);
  a.vocabulary = checked_size(weights, "embed_tokens.weight", 2, 0);
  a.width = checked_size(weights, "embed_tokens.weight", 2, 1);
  a.ffn = checked_size(weights, "encoder.layers.0.fc1.weight", 2, 0);
  a.heads = checked_size(weights, "gbf_proj.linear2.weight", 2, 0);
  if (a.width % a.heads != 0)
    fail(MOLRT_ERROR_FORMAT,
         "{}: width {} ('embed_tokens.weight') is not a multiple of {} heads "
         "('gbf_proj.linear2.weight')",
         weights.file(), a.width, a.heads);
  return a;
}

void check_architecture(const Architecture& a) {
  const auto check = [](const char* name, int value, int largest) {
    if (value < 1 || value > largest)
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "{} = {}: expected 1 to {}", name, value, largest);
  };
  check("layers", a.layers, most_layers);
  check("width", a.width, 16384);
  check("ffn", a.ffn, 65536);
  check("heads", a.heads, 1024);
  if (a.width % a.heads != 0)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "width = {} is not a multiple of heads = {}", a.width,
         a.heads);
}

}  // namespace molrt
