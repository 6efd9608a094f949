#pragma once
// What a head's rows mean: from its logits to a model's outputs.
#include <span>

namespace molrt {

enum class Task { none, regression, binary, multiclass, multilabel };  // MOLRT_TASK_*

const char* task_name(Task task);  // "regression" ..., "none"
inline bool is_classification(Task task) { return task >= Task::binary; }
// Whether a head of so many rows gives so many outputs: one a row, but a binary task's one output
// may come from two.
bool task_fits(Task task, int logits, int outputs);
// One molecule's logits -> outputs: scaled values of a regression; probabilities of classes
// (binary: of class 1, by softmax of two rows or sigmoid of one; multiclass: softmax; multilabel:
// sigmoids).
void activate(Task task, std::span<const float> logits, double* outputs);

}  // namespace molrt
