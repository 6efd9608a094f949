#include <nlohmann/json.hpp>

#include "probe/probe.h"

namespace molrt {
namespace {

using Json = nlohmann::ordered_json;

Json metrics_json(const ProbeResult& result, const ProbeMetrics& values) {
  return {{metric_name(result.metrics[0]), values[0]}, {metric_name(result.metrics[1]), values[1]}};
}

// Of each metric, its values by rate.
Json curves(const ProbeResult& result, size_t layer, size_t order, size_t target) {
  Json json;
  for (size_t m = 0; m < result.metrics.size(); ++m) {
    Json values = Json::array();
    for (size_t rate = 0; rate < result.options.rates.size(); ++rate)
      values.push_back(result.at(layer, order, rate, target)[m]);
    json[metric_name(result.metrics[m])] = values;
  }
  return json;
}

Json layer_json(const ProbeResult& result, size_t layer, size_t target) {
  const std::vector<ProbeOrder> orders = probe_orders(result.options);
  Json json = {{"layer", result.options.layers[layer]}};
  for (size_t order = 0; order < orders.size(); ++order) {
    const Json own = curves(result, layer, order, target);
    if (!orders[order].attribution)
      json["random"] = own;
    else
      json[attribution_name(*orders[order].attribution)]
          [orders[order].order == KeyOrder::low ? "low" : "high"] = own;
  }
  return json;
}

Json target_json(const ProbeResult& result, size_t target) {
  Json layers = Json::array();
  for (size_t layer = 0; layer < result.options.layers.size(); ++layer)
    layers.push_back(layer_json(result, layer, target));
  return {{"name", result.targets[target]},
          {"unit", result.units[target]},
          {"n", result.labels[target]},
          {"plain", metrics_json(result, result.plain[target])},
          {"layers", layers}};
}

}  // namespace

std::string probe_json(const ProbeResult& result) {
  Json attributions = Json::array(), targets = Json::array();
  for (const ProbeAttribution a : result.options.attributions)
    attributions.push_back(attribution_name(a));
  for (size_t target = 0; target < result.targets.size(); ++target)
    targets.push_back(target_json(result, target));
  const Json rows = {{"total", result.rows},
                     {"used", result.used},
                     {"without_target", result.without_target},
                     {"failed", result.failed}};
  return Json{{"rows", rows},
              {"task", task_name(result.task)},
              {"networks", result.networks},
              {"passes", result.passes},
              {"seed", result.options.seed},
              {"metrics", {metric_name(result.metrics[0]), metric_name(result.metrics[1])}},
              {"attributions", attributions},
              {"layers", result.options.layers},
              {"rates", result.options.rates},
              {"targets", targets}}
      .dump();
}

}  // namespace molrt
