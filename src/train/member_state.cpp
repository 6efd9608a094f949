#include "train/member_state.h"

#include <cmath>

#include "base/error.h"
#include "model/folds.h"
#include "train/best.h"

namespace molrt {
namespace {

using nlohmann::json;

// None begins like a network's tensor.
constexpr const char* outputs_name = "outputs";
constexpr const char* mc_mean_name = "outputs.mc_mean";
constexpr const char* mc_variance_name = "outputs.mc_variance";
constexpr const char* centre_name = "outputs.centre";

std::vector<std::pair<const char*, std::vector<float>*>> numbers_of(FoldFit& fit) {
  return {{outputs_name, &fit.outputs},
          {mc_mean_name, &fit.mc.mean},
          {mc_variance_name, &fit.mc.variance},
          {centre_name, &fit.head.centre}};
}

Head read_head(const json& facts, const TensorMap& tensors) {
  Head head = make_head(facts.at("pooled") ? HeadKind::pooled : HeadKind::linear, facts.at("width"),
                        facts.at("outputs"), facts.at("hidden"));
  const auto parts = parameters(head);
  for (size_t i = 0; i < parts.size(); ++i) read_tensor(tensors, head_tensor_names[i], parts[i]);
  return head;
}

}  // namespace

CheckpointState state_of_fit(FoldFit& fit) {
  CheckpointState state;
  state.tensors = fit.encoder;
  const auto parts = parameters(fit.head);
  for (size_t i = 0; i < parts.size(); ++i)
    if (!parts[i].empty()) state.tensors[head_tensor_names[i]] = view(parts[i]);
  for (const auto& [name, values] : numbers_of(fit))
    if (!values->empty()) state.tensors[name] = view(*values);
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
  for (const auto& [name, values] : numbers_of(fit))
    if (state.tensors.contains(name)) *values = to_f32(state.tensors.at(name));
  for (const auto& [name, tensor] : state.tensors)
    if (!name.starts_with(outputs_name) && is_encoder_tensor(name)) fit.encoder[name] = tensor;
  return fit;
} catch (const std::exception& e) {
  fail(MOLRT_ERROR_FORMAT, "the checkpoint of a finished network is broken: {}", e.what());
}

}  // namespace molrt
