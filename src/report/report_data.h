#pragma once
// What a report of a training run is made of.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "chem/molecule_text.h"
#include "model/task.h"

namespace molrt {

// One column of measured values and what was predicted for its rows while they were held out.
struct ReportTarget {
  std::string name, unit;        // unit: empty if not known
  std::vector<double> measured;  // [rows], own units or class numbers; NaN: no value
  size_t classes = 0;            // 0: a regression
  std::vector<float> predicted;  // [rows]: values, or the probability of class 1; of several
                                 // classes [rows, classes]; NaN: never held out
  double threshold = .5;         // of a binary label: a probability above it is class 1
  std::vector<float> error_bar;  // [rows] or empty: the predicted standard deviation
  // A label with one probability; several classes have one each, two of them too.
  bool is_binary() const { return classes == 2 && predicted.size() == measured.size(); }
};

struct ReportRow {
  MoleculeText text;    // empty: atoms were given
  int32_t status;       // MOLRT_ROW_*
  int32_t source;       // MOLRT_SOURCE_*
  uint32_t flags;       // MOLRT_FLAG_*
  std::string message;  // what went wrong, or empty
};

struct ReportData {
  nlohmann::ordered_json run;       // the job's report (train/head_training.h)
  nlohmann::ordered_json defaults;  // of the settings, by name
  std::string title;                // empty: made of the targets' names
  Task task = Task::regression;
  std::string base;  // in words: the model that training began with
  std::vector<ReportTarget> targets;
  std::vector<ReportRow> rows;
  // Provenance, each a name and a text.
  std::vector<std::pair<std::string, std::string>> provenance;
};

}  // namespace molrt
