#pragma once
// How good predictions are, by scikit-learn's definitions (the correlations by SciPy's). Pairs with
// a NaN are left out; a number that is not defined is NaN. Computed in f64.
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/task.h"

namespace molrt {

enum class Metric {
  mse,       // mean_squared_error
  rmse,      // its root
  mae,       // mean_absolute_error
  r2,        // r2_score; NaN for fewer than 2 values or equal ones
  pearson,   // scipy.stats.pearsonr; NaN where either side is constant
  spearman,  // scipy.stats.spearmanr, ties with their mean rank; likewise
  auroc,     // roc_auc_score; NaN for a single class
  auprc,     // average_precision_score; NaN without a member of the class
  accuracy,  // accuracy_score
  f1,        // f1_score; 0 where it is 0/0
  mcc,       // matthews_corrcoef; 0 where it is 0/0
  logloss    // log_loss, probabilities clipped to [eps, 1 - eps] with float32's eps
};

// The metrics of measured values, or of classes, in the order above.
std::span<const Metric> metrics_of(Task task);
const char* metric_name(Metric metric);  // "mse" ...
bool higher_is_better(Metric metric);

// One target's rows.
struct Outcomes {
  std::vector<double> measured;   // [rows]: values, 0 or 1, or class numbers
  std::vector<double> predicted;  // [rows, classes]: values, or probabilities
  size_t classes = 1;             // columns of `predicted`
};

// Without the rows that have a NaN.
Outcomes complete_rows(const Outcomes& outcomes);

// Of one column of probabilities (of class 1): a row is predicted to be 1 if it is above .5; f1 is
// class 1's. Of several columns: the class with the largest probability, the first of equal ones;
// auroc and auprc are the unweighted mean over the classes, each against the others, that have
// members and others here; f1 that over the classes that are measured or predicted (macro); mcc is
// the multiclass one (Gorodkin's R_K); rows of log loss are divided by their sum.
double evaluate_metric(Metric metric, const Outcomes& outcomes);

// That of the probability above which a row counts as class 1 that has the largest f1, of `steps`
// evenly spaced from the smallest to the largest probability; the first of equally good ones
// (unimol_tools' rule). NaN without rows.
double best_threshold(const Outcomes& outcomes, size_t steps = 20);

}  // namespace molrt
