#pragma once
// Which of its attention a model lives by (source 002; spec: regularisers.md 13 E5a): how good
// its predictions are when keys of one layer are dropped by their attribution, deterministically
// (q = 1). Predictions are made as Batch::predict() makes them, by networks each of which goes by
// its own attribution; nothing in them depends on threads, batches or other rows.
#include <array>
#include <string>

#include "probe/options.h"
#include "probe/rows.h"

namespace molrt {

struct ProbeData {
  const Model& model;              // with a head
  Batch& batch;                    // its rows' states are then as after Batch::predict()
  std::span<const double> labels;  // [rows, targets]: own units or class numbers; NaN: none
};

using ProbeMetrics = std::array<double, 2>;  // of ProbeResult::metrics; NaN: not defined

struct ProbeResult {
  ProbeOptions options;
  Task task = Task::none;
  std::vector<std::string> targets, units;
  std::array<Metric, 2> metrics;  // rmse and r2; of classes auroc and accuracy
  size_t rows = 0, used = 0, failed = 0, without_target = 0;
  int networks = 0;
  double passes = 0;                  // probe_passes()
  std::vector<size_t> labels;         // [targets]: of the used rows
  std::vector<ProbeMetrics> plain;    // [targets]: without dropping, by Batch::predict()
  std::vector<ProbeMetrics> dropped;  // [layers, orders, rates, targets]
  const ProbeMetrics& at(size_t layer, size_t order, size_t rate, size_t target) const;
};

// Stage MOLRT_STAGE_PROBE counts conformers times layers. INVALID_ARGUMENT for the options, DATA
// for a label that is none, naming row and target, and where no row can be probed.
ProbeResult run_probe(const ProbeData& data, const ProbeOptions& options, const RunOptions& run);

// One JSON object, numbers that are not defined null (molrt.h, molrt_probe_get_report).
std::string probe_json(const ProbeResult& result);

}  // namespace molrt
