#pragma once
// Losses of measured values and of classes, with missing labels and weights (spec: regularisers.md
// 0a, Means): the mean is sum(w l) / sum(w) over the valid labels of the whole optimiser batch,
// where a label's weight w is its row's sample weight times its class weight (1 where there is
// none).
#include <span>
#include <string>
#include <vector>

#include "model/task.h"

namespace molrt {

// With residual r = prediction - label in scaled units:
//   mse r^2; mae |r|; huber r^2 / 2 up to |r| = delta, then delta (|r| - delta / 2).
// With logits z, label y and p its probability, by sigmoid or softmax:
//   bce and ce -log p; focal -alpha' (1 - p)^gamma log p (Lin et al. 2017), where alpha' is
//   focal_alpha for y = 1 and 1 - focal_alpha for y = 0, and 1 in a softmax.
enum class LossKind { mse, mae, huber, bce, ce, focal };

struct Loss {
  LossKind kind = LossKind::mse;
  double huber_delta = 1;
  double focal_alpha = .25, focal_gamma = 2;
  // Whether a row's outputs are one softmax over classes (multiclass) rather than one a target.
  bool softmax = false;
  // [targets][classes]; empty: all 1.
  std::vector<std::vector<double>> class_weights;
};

const char* loss_name(LossKind kind);  // as in the settings
// The loss of a task where the user asks for none.
LossKind usual_loss(Task task);
// Why the loss does not fit the task, or "".
std::string loss_misfit(LossKind kind, Task task);

struct LossSum {
  double sum = 0;                               // of w l over the valid labels
  double weight = 0;                            // of w
  double mean() const { return sum / weight; }  // NaN without labels
  LossSum& operator+=(const LossSum& other);
};

// A batch or a part of one, row-major. Labels are NaN where there is none.
struct LossBatch {
  size_t rows, outputs, targets;  // targets: outputs; 1 with a softmax
  const float* predictions;       // [rows, outputs]: scaled values, or logits
  const float* labels;            // [rows, targets]: scaled values, 0 and 1, or class numbers
  const double* weights;          // [rows], or null: all 1
};

// Writes the gradient of the *mean* to d_predictions [rows, outputs] (0 where there is no label)
// unless it is null. MAE's gradient at 0 is 0. `weight`: of the labels that the mean is over, where
// these are a part of a batch; 0: of those here. Everything is computed in f64.
LossSum evaluate_loss(const Loss& loss, const LossBatch& batch, float* d_predictions,
                      double weight = 0);

// What LossSum::weight will be; reads no predictions.
double label_weight(const Loss& loss, const LossBatch& batch);

}  // namespace molrt
