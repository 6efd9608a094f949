#include "pretrain/records.h"

namespace molrt {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json means(const PretrainSums& sums, const LossWeights& weights) {
  ordered_json all;
  all["loss"] = sums.total(weights);
  for (size_t i = 0; i < pretrain_losses; ++i)
    if (sums.count[i] > 0) all[pretrain_loss_names[i]] = sums.sum[i] / sums.count[i];
  const auto count = [&](PretrainLoss loss) { return sums.count[static_cast<size_t>(loss)]; };
  if (count(PretrainLoss::token) > 0) {
    all["token_accuracy"] = sums.correct / count(PretrainLoss::token);
    all["coordinate_mae"] = sums.coordinate_error / count(PretrainLoss::coordinate);
    all["distance_mae"] = sums.distance_error / count(PretrainLoss::distance);
  }
  return all;
}

bool is_empty(const PretrainSums& sums) {
  return sums.count[static_cast<size_t>(PretrainLoss::norm)] == 0;
}

}  // namespace

json to_json(const PretrainSums& s) {
  return {s.sum, s.count, s.correct, s.coordinate_error, s.distance_error};
}

PretrainSums sums_of(const json& j) { return {j.at(0), j.at(1), j.at(2), j.at(3), j.at(4)}; }

json to_json(const PretrainRecord& r) {
  return {{"step", r.step},
          {"train", to_json(r.train)},
          {"held_out", to_json(r.held_out)},
          {"lr", r.lr},
          {"seconds", r.seconds}};
}

PretrainRecord record_of(const json& j) {
  return {j.at("step"), sums_of(j.at("train")), sums_of(j.at("held_out")), j.at("lr"),
          j.at("seconds")};
}

ordered_json to_json(const PretrainSource& s) {
  ordered_json all = {{"name", s.name}};
  if (!s.sha256.empty()) {
    all["sha256"] = s.sha256;
    all["bytes"] = s.bytes;
  }
  all["used"] = s.added.used;
  all["excluded"] = s.added.excluded;
  all["unusable"] = s.added.unusable;
  if (!s.added.first_unusable.empty()) all["first_unusable"] = s.added.first_unusable;
  return all;
}

ordered_json readable(const PretrainRecord& r, const LossWeights& weights) {
  ordered_json all = {{"step", r.step}, {"lr", r.lr}, {"seconds", r.seconds}};
  if (!is_empty(r.train)) all["train"] = means(r.train, weights);
  if (!is_empty(r.held_out)) all["held_out"] = means(r.held_out, weights);
  return all;
}

}  // namespace molrt
