#include "model/task.h"

#include <algorithm>
#include <cmath>

namespace molrt {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void softmax(std::span<const float> logits, double* outputs) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) sum += outputs[i] = std::exp(logits[i] - largest);
  for (size_t i = 0; i < logits.size(); ++i) outputs[i] /= sum;
}

}  // namespace

const char* task_name(Task task) {
  switch (task) {
    case Task::none:
      return "none";
    case Task::regression:
      return "regression";
    case Task::binary:
      return "binary";
    case Task::multiclass:
      return "multiclass";
    case Task::multilabel:
      return "multilabel";
  }
  return "";
}

bool task_fits(Task task, int logits, int outputs) {
  switch (task) {
    case Task::none:
      return false;
    case Task::binary:
      return outputs == 1 && (logits == 1 || logits == 2);
    case Task::multiclass:
      return outputs >= 2 && logits == outputs;
    case Task::regression:
    case Task::multilabel:
      return outputs >= 1 && logits == outputs;
  }
  return false;
}

void activate(Task task, std::span<const float> logits, double* outputs) {
  if (task == Task::regression) {
    std::copy(logits.begin(), logits.end(), outputs);
  } else if (task == Task::multiclass) {
    softmax(logits, outputs);
  } else if (task == Task::binary && logits.size() == 2) {
    *outputs = sigmoid(double{logits[1]} - logits[0]);  // softmax of two
  } else {
    std::transform(logits.begin(), logits.end(), outputs, [](float x) { return sigmoid(x); });
  }
}

}  // namespace molrt
