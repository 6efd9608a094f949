#pragma once
// The rows of a batch that a probe can use.
#include <span>
#include <string>
#include <vector>

#include "model/batch.h"
#include "train/metrics.h"

namespace molrt {

// A conformer of one of them.
struct ProbeItem {
  size_t row;  // of ProbeRows
  const Features* features;
  uint32_t id;  // molecule_id()
};

// Rows with a prediction and a label.
struct ProbeRows {
  size_t targets = 0;
  std::vector<size_t> rows;                // of the batch
  std::vector<double> labels;              // [rows, targets]: own units or class numbers
  std::vector<std::vector<float>> inputs;  // [rows]: of the head, beside CLS
  std::vector<size_t> conformers;          // [rows]
  std::vector<ProbeItem> items;            // row by row
  size_t failed = 0, without_target = 0;   // rows that are not here
};

// The model's outputs; of several classes the one target that the classes are of.
std::vector<std::string> probe_target_names(const ModelCard& card);

// labels [rows, targets], NaN: none. DATA error, naming row and target, for one that is no label of
// the task or no class of the model.
void check_probe_labels(const ModelCard& card, std::span<const double> labels);

// After Batch::predict(). DATA error where there is none.
ProbeRows choose_probe_rows(const Batch& batch, const ModelCard& card,
                            std::span<const double> labels);

// predictions [rows, outputs]
Outcomes probe_outcomes(const ProbeRows& rows, const ModelCard& card,
                        std::span<const float> predictions, size_t target);

}  // namespace molrt
