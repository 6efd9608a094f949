#include "pretrain/settings.h"

#include <cmath>

#include "base/error.h"

namespace molrt {
namespace {

std::vector<SettingRow> optimisation() {
  return {
      {"steps", int64_t{100000}, "", "", 1, 4e9, "", "0.1.0",
       "optimiser steps; the learning rate is planned for them"},
      {"batch_size", int64_t{128}, "molecules", "", 1, 1 << 20, "", "0.1.0",
       "molecules of a step, of all epochs' in a new order"},
      {"lr", 1e-4, "", "", 1e-12, 10, "", "0.1.0", "peak learning rate"},
      {"warmup", .05, "", "", 0, 1, "", "0.1.0",
       "fraction of the steps in which the learning rate rises from 0; then it falls linearly to "
       "0"},
      {"clip", 1.0, "", "", 0, HUGE_VAL, "", "0.1.0",
       "largest norm of a step's whole gradient; 0: no clipping"},
      {"adam.beta1", .9, "", "", 0, .999999, "", "0.1.0", "decay of Adam's mean"},
      {"adam.beta2", .99, "", "", 0, .99999999, "", "0.1.0", "decay of Adam's mean square"},
      {"adam.eps", 1e-6, "", "", 1e-15, 1, "", "0.1.0", "added to the root of Adam's mean square"},
      {"weight_decay", 1e-4, "", "", 0, 100, "", "0.1.0",
       "decoupled decay of the weights, times the learning rate; not of biases and norms"},
      {"precision", "f32", "", "bf16", 0, 0, "f32|split|bf16", "0.1.0",
       "of the operands of the linear layers' products; master weights and sums stay f32"},
      {"seed", int64_t{0}, "", "", 0, 9e15, "", "0.1.0",
       "of new weights, batch order, what is masked and moved, and dropout"},
  };
}

std::vector<SettingRow> masking() {
  return {
      {"mask.rate", .15, "", "", 0, 1, "", "0.1.0", "part of a molecule's atoms that is chosen"},
      {"mask.keep", .05, "", "", 0, 1, "", "0.1.0",
       "part of the chosen atoms that keeps element and place"},
      {"mask.random", .05, "", "", 0, 1, "", "0.1.0",
       "part of the chosen atoms that becomes a random element; the rest becomes [MASK]"},
      {"mask.noise", 1.0, "Angstrom", "", 0, 100, "", "0.1.0",
       "chosen atoms that are not kept move by U(-noise, noise) on each axis"},
  };
}

std::vector<SettingRow> losses() {
  return {
      {"loss.token", 1.0, "", "", 0, 1e6, "", "0.1.0",
       "weight of the cross entropy of the chosen atoms' elements"},
      {"loss.coordinate", 5.0, "", "", 0, 1e6, "", "0.1.0",
       "weight of the smooth L1 of the chosen atoms' coordinates, Angstrom"},
      {"loss.distance", 10.0, "", "", 0, 1e6, "", "0.1.0",
       "weight of the smooth L1 of the chosen atoms' distances, which are standardised"},
      {"loss.norm", .01, "", "", 0, 1e6, "", "0.1.0",
       "weight of each of the losses that hold the norms of tokens and pairs near the square root "
       "of their dimension"},
      {"loss.supervised", 1.0, "", "", 0, 1e6, "", "0.1.0",
       "weight of the smooth L1 of the targets, standardised, over the values that are there"},
  };
}

std::vector<SettingRow> dropout() {
  return {
      {"emb_dropout", .1, "", "", 0, 1, "", "0.1.0", "dropout rate of the token embeddings"},
      {"dropout", .1, "", "", 0, 1, "", "0.1.0",
       "dropout rate of what attention and feed-forward add to the residual stream"},
      {"attention_dropout", .1, "", "", 0, 1, "", "0.1.0",
       "dropout rate of the attention's probabilities"},
      {"activation_dropout", 0.0, "", "", 0, 1, "", "0.1.0",
       "dropout rate after the feed-forward's GELU"},
  };
}

std::vector<SettingRow> watching() {
  return {
      {"holdout", .01, "", "", 0, .5, "", "0.1.0",
       "part of the molecules that is not trained on but looked at for the curves (4,096 at most; "
       "a "
       "molecule with all its conformers and sources is on one side)"},
      {"evaluate.every", int64_t{1000}, "", "", 1, 4e9, "", "0.1.0",
       "steps between two points of the curves"},
  };
}

Precision checked_precision(const Settings& s) {
  const Precision precision = parse_precision(s.text("precision"));
  if (const std::string reason = why_not(precision); !reason.empty())
    fail(MOLRT_ERROR_UNSUPPORTED, "setting 'precision': {}", reason);
  return precision;
}

}  // namespace

const std::vector<SettingRow>& pretrain_settings_table() {
  static const std::vector<SettingRow> table = [] {
    std::vector<SettingRow> rows;
    for (const auto& part : {optimisation(), masking(), losses(), dropout(), watching()})
      rows.insert(rows.end(), part.begin(), part.end());
    return rows;
  }();
  return table;
}

PretrainSettings read_pretrain_settings(const Settings& s) {
  const auto steps = static_cast<uint64_t>(s.i64("steps"));
  const double keep = s.f64("mask.keep"), random = s.f64("mask.random");
  if (keep + random > 1)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "settings 'mask.keep' and 'mask.random' are parts of the chosen atoms: {} + {} is more "
         "than 1",
         keep, random);
  return {.seed = static_cast<uint64_t>(s.i64("seed")),
          .steps = steps,
          .warmup = static_cast<uint64_t>(s.f64("warmup") * static_cast<double>(steps)),
          .evaluate_every = static_cast<uint64_t>(s.i64("evaluate.every")),
          .batch_size = static_cast<size_t>(s.i64("batch_size")),
          .lr = s.f64("lr"),
          .clip = s.f64("clip"),
          .adam_beta1 = s.f64("adam.beta1"),
          .adam_beta2 = s.f64("adam.beta2"),
          .adam_eps = s.f64("adam.eps"),
          .weight_decay = s.f64("weight_decay"),
          .holdout = s.f64("holdout"),
          .mask = {s.f64("mask.rate"), keep, random, s.f64("mask.noise")},
          .dropout = {s.f64("emb_dropout"), s.f64("dropout"), s.f64("attention_dropout"),
                      s.f64("activation_dropout")},
          .weights = {s.f64("loss.token"), s.f64("loss.coordinate"), s.f64("loss.distance"),
                      s.f64("loss.norm"), s.f64("loss.norm"), s.f64("loss.supervised")},
          .precision = checked_precision(s)};
}

}  // namespace molrt
