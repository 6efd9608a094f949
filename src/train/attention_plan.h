#pragma once
// What a method wants of the attention in a training step (train/method.h, on_attention): a first
// pass that looks at it, and keys that the pass which is learnt from then does without.
#include <vector>

#include "nn/dropped_keys.h"

namespace molrt {

// By what keys are ranked (spec: regularisers.md 7.2), with t a molecule's target and A the
// attention after dropout.
enum class Attribution {
  gradient,    // dt/dA
  integrated,  // A times the mean of dt/dA at A (k - 1/2) / m, k = 1 ... m, A held fixed
  attention,   // A
  random,      // by chance alone
};

// t, as spec 7.3 has it; of classes by the logits z.
enum class AttributionTarget {
  deviation,  // sum |f_k|; of a softmax the largest logit
  output,     // sum f_k; likewise
  magnitude,  // the same, ranked by |dt/dA|
  gold,       // minus the squared errors; of classes the log of the label's probability
  pseudo,     // log of the probability of the predicted class
};

struct AttentionPlan {
  bool on = false;
  Attribution attribution = Attribution::gradient;
  AttributionTarget target = AttributionTarget::deviation;
  KeyChoice choice;
  int steps = 20;           // m of integrated
  bool dropout = true;      // in the first pass
  std::vector<int> layers;  // ascending; empty: all that are trained
};

}  // namespace molrt
