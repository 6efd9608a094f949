#pragma once
// R-Drop (spec: regularisers.md 0a and 6): two passes over the network with noise of their own, and
// beside the mean of their losses the distance D between what they give:
//   L = 1/2 [l(f1) + l(f2)] + alpha/4 [D(f1, f2) + D(f2, f1)]
// as a mean over molecules and tasks. alpha = 0 is its control, two passes alone.
#include "train/method.h"

namespace molrt {

// How far two passes are from each other, by one output or a row of logits:
//   mse, logit_mse (a-b)^2;  mae |a-b|;  huber as the loss;
//   kl of a softmax, both ways together: sum (p-q)(log p - log q);  bern: (p-q)(a-b) of a sigmoid.
enum class Distance { mse, mae, huber, kl, bern, logit_mse };

// alpha/4 [D(f1, f2) + D(f2, f1)] and its gradients.
PairLoss pair_loss(Distance distance, double alpha, double huber_delta = 1);

bool rdrop_is_on(const Settings& settings);
// As the loss above has it, whatever rdrop.norm says.
double canonical_alpha(const Settings& settings);

// INVALID_ARGUMENT for settings of molecules without values where there are none.
void check_unlabelled(const Settings& settings, bool there_are);
// Such molecules have come: settles how they are learnt from, INVALID_ARGUMENT if nothing would.
void take_unlabelled(Settings& settings);

std::vector<SettingRow> rdrop_settings();
std::unique_ptr<Method> make_rdrop(const Settings& settings);
std::vector<std::string> rdrop_warnings(const Settings& settings);

}  // namespace molrt
