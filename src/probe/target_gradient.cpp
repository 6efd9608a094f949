#include "probe/target_gradient.h"

#include "train/attribution_target.h"

namespace molrt {
namespace {

bool is_softmax(Task task, size_t logits) {
  return task == Task::multiclass || (task == Task::binary && logits == 2);
}

// As the head was trained to read them.
std::vector<float> scaled_labels(const ModelCard& card, size_t fold,
                                 std::span<const double> labels) {
  std::vector<float> scaled;
  for (size_t t = 0; t < labels.size(); ++t) {
    const bool classes = is_classification(card.task);
    scaled.push_back(
        static_cast<float>(classes ? labels[t] : card.scalers[fold][t].scaled(labels[t])));
  }
  return scaled;
}

std::vector<float> gold(const ModelCard& card, size_t fold, std::span<const double> labels,
                        std::span<const float> logits) {
  const std::vector<float> scaled = scaled_labels(card, fold, labels);
  std::vector<float> gradient(logits.size());
  gold_gradient(card.task, is_softmax(card.task, logits.size()),
                {1, logits.size(), scaled.size(), logits.data(), scaled.data(), nullptr},
                gradient.data());
  return gradient;
}

std::vector<float> predicted(Task task, std::span<const float> logits) {
  std::vector<float> gradient(logits.size());
  mark_predicted(is_softmax(task, logits.size()), is_classification(task), logits, gradient);
  return gradient;
}

}  // namespace

std::vector<float> target_gradient(const Model& model, size_t fold, ProbeAttribution attribution,
                                   std::span<const double> labels, const float* cls,
                                   const float* inputs) {
  const ModelCard& card = model.card();
  const Head& head = model.heads()[fold];
  const uint32_t nobody = 0;
  HeadDropout none;
  none.molecules = {&nobody, 1};
  HeadActivations activations;
  std::vector<float> logits(static_cast<size_t>(head.outputs));
  head_forward_training(head, model.head_input(fold, cls, inputs).data(), none, activations,
                        logits.data());
  const std::vector<float> d_logits = attribution == ProbeAttribution::gold
                                          ? gold(card, fold, labels, logits)
                                          : predicted(card.task, logits);
  std::vector<float> d_inputs(static_cast<size_t>(head.width));
  head_input_gradient(head, none, activations, d_logits.data(), d_inputs.data());
  d_inputs.resize(static_cast<size_t>(card.architecture.width));
  return d_inputs;
}

}  // namespace molrt
