#include "train/head_settings.h"

#include <cmath>
#include <limits>

#include "train/mixout.h"
#include "train/multi_sample.h"

namespace molrt {

std::string without_steps(const Settings& s) {
  return s.text("solver") == "ridge"
             ? "solver=ridge is solved in closed form, without gradient steps"
             : "";
}

std::string why_no_dropout(const Settings& s) {
  if (s.i64("no_dropout") == 1) return "no_dropout=1 sets all dropout rates to 0";
  return mixout_replaces_dropout(s) ? "Mixout stands in dropout's place (mixout.replaces_dropout=1)"
                                    : "";
}

double dropout_rate(const Settings& s, const char* name) {
  return why_no_dropout(s).empty() ? s.f64(name) : 0;
}

namespace {

bool ridge(const Settings& s) { return s.text("solver") == "ridge"; }

std::string if_ridge(const Settings& s, const char* reason) { return ridge(s) ? reason : ""; }

std::string kind_of_ridge(const Settings& s) {
  if (s.text("head_init") == "base") return "head_init=base goes on with the base's head";
  return s.text("head") == "linear" ? "" : if_ridge(s, "solver=ridge fits a linear head only");
}

std::string dropout_of_ridge(const Settings& s) {
  if (const std::string reason = why_no_dropout(s); !reason.empty()) return reason;
  if (pooler_rate_is_replaced(s)) return "msd.p or msd.rates is the head's rate in training";
  return s.f64("pooler_dropout") == 0 ? "" : if_ridge(s, "solver=ridge has no dropout");
}

std::string patience_needs_rows(const Settings& s) {
  if (s.i64("patience") > 0 && holds_nothing_out(s))
    return "valid_fraction=0 holds nothing out to stop by";
  return without_steps(s);
}

std::string seed_of_chance(const Settings& s) {
  return holds_nothing_out(s)
             ? if_ridge(s, "solver=ridge that holds nothing out leaves nothing to chance")
             : "";
}

std::string ridge_of_frozen(const Settings& s) {
  return s.text("freeze.prefix") == "encoder"
             ? ""
             : if_ridge(s,
                        "ridge fits a head on a frozen encoder; a whole network takes solver=adam");
}

std::string standardise_of_frozen(const Settings& s) {
  if (s.text("freeze.prefix") != "encoder")
    return "what the head reads changes as the encoder is trained";
  return s.text("head_init") == "base" ? "head_init=base reads the columns as they are" : "";
}

std::string of_ridge(const Settings& s) { return ridge(s) ? "" : "it belongs to solver=ridge"; }

constexpr double infinity = std::numeric_limits<double>::infinity();

// Defaults by measurement: RMSE on ESOL's other rows (spread 2.1; mean of 6 or 12 random splits, sd
// .02 to .04 where there is no other number), frozen untrained encoders of width 512, batch 32, a
// tenth of the training rows held out.
//   training rows, layers                         500, 6      500, 15     100, 6
//   pooled, lr 5e-4, 100 epochs (the default)     .82         .81         1.14 (sd .08)
//   pooled, lr 1e-3, 60 epochs                    .82                     1.14 (sd .08)
//   the same with patience 20                     .85                     1.34 (sd .27)
//   pooled, lr 1e-3, 60 epochs, dropout .1        .82
//   linear, lr 5e-4, 100 epochs                   1.07
//   linear, lr 3e-3, 500 epochs                   1.01 (.13)  .92         1.27 (sd .18)
//   linear, lr 1e-3, 200 epochs, patience 20      1.09 (.05)  1.04        1.39 (sd .11)
//   ridge, leave-one-out, nothing held out        .98 (.15)   .93 (.09)   1.51 (sd .60)
// Early stopping loses: a small held-out part picks epochs before the learning rate has fallen.
std::vector<SettingRow> model_settings() {
  return {
      {"head", "pooled", "", "", 0, 0, "linear|pooled", "0.1.0",
       "linear: one layer; pooled: dense, tanh and a second layer", kind_of_ridge},
      {"pooler_dropout", 0.0, "", "0.2", 0, 1, "", "0.1.0",
       "dropout rate of the head's inputs, in training", dropout_of_ridge},
      {"standardise", int64_t{1}, "", "", 0, 1, "", "0.1.0",
       "1: scale the representation's columns by the training rows' mean and standard deviation; "
       "stored in the head's first layer",
       standardise_of_frozen},
  };
}

std::vector<SettingRow> fold_settings() {
  return {
      {"folds", int64_t{1}, "", "5", 1, 1000, "", "0.1.0",
       "2 or more: cross-validation; the model averages the folds' heads"},
      {"seed", int64_t{42}, "", "", 0, 9223372036854775807.0, "", "0.1.0",
       "of splits, initial weights, batch order and dropout", seed_of_chance},
  };
}

std::vector<SettingRow> solver_settings() {
  return {
      {"solver", "adam", "", "", 0, 0, "adam|ridge", "0.1.0",
       "adam: gradient steps; ridge: the linear head in closed form", nullptr, nullptr,
       ridge_of_frozen},
      {"ridge_lambda", 0.0, "", "", 0, infinity, "", "0.1.0",
       "penalty on the squared weights, added to the sum of squared errors; 0: the best by "
       "leave-one-out on the training rows",
       of_ridge},
      {"epochs", int64_t{100}, "epochs", "", 1, 100000, "", "0.1.0",
       "passes over the training rows, at most", without_steps},
      {"patience", int64_t{0}, "epochs", "20", 0, 100000, "", "0.1.0",
       "early stopping: stop after so many epochs without a better held-out loss and keep the best "
       "epoch; 0: train to the end and keep the last",
       patience_needs_rows},
      {"batch_size", int64_t{32}, "molecules", "", 1, double{most_rows}, "", "0.1.0",
       "molecules of an optimiser step", without_steps},
  };
}

std::vector<SettingRow> adam_settings() {
  return {
      {"lr", 5e-4, "", "", 1e-12, 10, "", "0.1.0", "peak learning rate", without_steps},
      {"warmup", .03, "", "", 0, 1, "", "0.1.0",
       "fraction of the steps in which the learning rate rises from 0; then it falls linearly to 0",
       without_steps},
      {"clip", 5.0, "", "", 0, infinity, "", "0.1.0",
       "largest norm of a step's whole gradient; 0: no clipping", without_steps},
      {"adam_beta1", .9, "", "", 0, .999999, "", "0.1.0", "decay of Adam's mean", without_steps},
      {"adam_beta2", .999, "", "", 0, .99999999, "", "0.1.0", "decay of Adam's mean square",
       without_steps},
      {"adam_eps", 1e-6, "", "", 1e-15, 1, "", "0.1.0", "added to the root of Adam's mean square",
       without_steps},
  };
}

}  // namespace

std::vector<SettingRow> head_settings() {
  std::vector<SettingRow> rows;
  for (const auto& part :
       {model_settings(), solver_settings(), adam_settings(), fold_settings(), split_settings()})
    rows.insert(rows.end(), part.begin(), part.end());
  return rows;
}

HeadSettings read_head_settings(const Settings& s) {
  s.validate();
  return {
      .kind = s.text("head") == "pooled" && !ridge(s) ? HeadKind::pooled : HeadKind::linear,
      .ridge = ridge(s),
      .pooler_dropout = dropout_rate(s, "pooler_dropout"),
      .epochs = static_cast<int>(s.i64("epochs")),
      .lr = s.f64("lr"),
      .batch_size = static_cast<int>(s.i64("batch_size")),
      .warmup = s.f64("warmup"),
      .clip = s.f64("clip"),
      .adam_beta1 = s.f64("adam_beta1"),
      .adam_beta2 = s.f64("adam_beta2"),
      .adam_eps = s.f64("adam_eps"),
      .ema_beta = s.f64("ema.beta"),
      .weight_decay = s.f64("weight_decay"),
      .patience = static_cast<int>(s.i64("patience")),
      .folds = static_cast<int>(s.i64("folds")),
      .seed = static_cast<uint64_t>(s.i64("seed")),
      .task = read_task_settings(s),
      .ridge_lambda = s.f64("ridge_lambda"),
      .standardise = s.i64("standardise") == 1,
      .split = read_split_settings(s),
      .all = s,
  };
}

}  // namespace molrt
