#pragma once
// Everything about a model but its weights: what the container's metadata stores (io/FORMAT.md).
#include <string>
#include <vector>

#include "features/dictionary.h"
#include "model/architecture.h"
#include "model/head_inputs.h"
#include "model/target_scaler.h"
#include "model/task.h"
#include "model/uncertainty.h"
#include "nn/head.h"

namespace molrt {

enum class Hydrogens { all = 1, none = 2 };  // MOLRT_HYDROGENS_*
constexpr int default_max_atoms = 256;       // the peer's limit

constexpr int largest_molecule = 1 << 16;  // atoms; beyond this a limit is a mistake

std::vector<std::string> default_target_names(int outputs);  // "target", or "target_1" ...

struct ModelCard {
  Architecture architecture;
  std::string dictionary_text;  // as a dict.txt, file order, without [MASK]
  TokenLayout layout = TokenLayout::file_order;
  Hydrogens hydrogens = Hydrogens::all;
  int max_atoms = default_max_atoms;

  // The rest describes the property head; all empty or 0 without one.
  Task task = Task::none;
  HeadKind head = HeadKind::linear;
  HeadInputs inputs;                               // beside CLS; mostly none
  std::vector<std::string> targets;                // [outputs]
  std::vector<std::vector<TargetScaler>> scalers;  // [folds][outputs]; the identity for classes
  // [outputs] of a binary or multilabel task, or empty: a probability above it is class 1.
  std::vector<double> thresholds;
  std::vector<std::string> units;  // [outputs] such as "kcal/mol"; "" or empty: not known
  Uncertainty uncertainty;
  int outputs() const { return static_cast<int>(targets.size()); }
  int folds() const { return static_cast<int>(scalers.size()); }
  int head_width() const { return architecture.width + static_cast<int>(inputs.size()); }

  std::string settings = "{}";    // JSON: every training setting as it ran
  std::string training = "{}";    // JSON: the training's report
  std::string provenance = "{}";  // JSON: where the weights came from
};

}  // namespace molrt
