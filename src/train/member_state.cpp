#include "train/member_state.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "model/folds.h"

namespace molrt {
namespace {

using nlohmann::json;

constexpr const char* held_out_name = "held_out";

template <typename T>
Tensor view(std::span<const T> values) {
  return {sizeof(T) == 8 ? Dtype::f64 : Dtype::f32,
          {static_cast<int64_t>(values.size())},
          reinterpret_cast<const std::byte*>(values.data()),
          nullptr};
}

std::vector<double> read_doubles(const Tensor& tensor) {
  if (tensor.dtype != Dtype::f64) throw std::invalid_argument(held_out_name);
  std::vector<double> values(tensor.count());
  std::memcpy(values.data(), tensor.data, tensor.bytes());
  return values;
}

Head read_head(const json& facts, const TensorMap& tensors) {
  Head head = make_head(facts.at("pooled") ? HeadKind::pooled : HeadKind::linear, facts.at("width"),
                        facts.at("outputs"), facts.at("hidden"));
  const auto parts = parameters(head);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    const std::vector<float> values = to_f32(tensors.at(head_tensor_names[i]));
    if (values.size() != parts[i].size()) throw std::out_of_range(head_tensor_names[i]);
    std::copy(values.begin(), values.end(), parts[i].begin());
  }
  return head;
}

}  // namespace

CheckpointState state_of_fit(FoldFit& fit) {
  CheckpointState state;
  state.tensors = fit.encoder;
  const auto parts = parameters(fit.head);
  for (size_t i = 0; i < parts.size(); ++i)
    if (!parts[i].empty()) state.tensors[head_tensor_names[i]] = view<float>(parts[i]);
  if (!fit.held_out.empty()) state.tensors[held_out_name] = view<double>(fit.held_out);
  state.facts = {{"loop", to_json(fit.loop)},
                 {"ridge_lambda", fit.ridge_lambda},
                 {"head",
                  {{"pooled", fit.head.kind == HeadKind::pooled},
                   {"width", fit.head.width},
                   {"hidden", fit.head.hidden},
                   {"outputs", fit.head.outputs}}}};
  return state;
}

FoldFit fit_from_state(const CheckpointState& state) try {
  FoldFit fit;
  fit.head = read_head(state.facts.at("head"), state.tensors);
  fit.loop = loop_result(state.facts.at("loop"));
  fit.ridge_lambda = state.facts.at("ridge_lambda").get<std::vector<double>>();
  if (state.tensors.contains(held_out_name))
    fit.held_out = read_doubles(state.tensors.at(held_out_name));
  for (const auto& [name, tensor] : state.tensors)
    if (name != held_out_name && is_encoder_tensor(name)) fit.encoder[name] = tensor;
  return fit;
} catch (const std::exception& e) {
  fail(MOLRT_ERROR_FORMAT, "the checkpoint of a finished network is broken: {}", e.what());
}

}  // namespace molrt
