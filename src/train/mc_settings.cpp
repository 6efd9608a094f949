#include "train/mc_settings.h"

#include "train/multi_sample.h"
#include "train/network_settings.h"
#include "train/split_settings.h"
#include "train/task_settings.h"

namespace molrt {
namespace {

std::string without_dropout(const Settings& s) {
  if (dropout_rates(s, 1, 0).any()) return "";
  return "there is no dropout, so that all MC passes would be equal and their standard deviation 0";
}

std::string mode_of_dropout(const Settings& s) {
  const std::string mode = s.text("predict");
  if (mode == "det") return "";
  if (mode == "auto" && holds_nothing_out(s))
    return "valid_fraction=0 holds nothing out to decide by";
  return without_dropout(s);
}

std::string kind_of_held_out(const Settings& s) {
  if (s.text("mc.calibrate") == "none") return "";
  if (is_classification(task_of(s))) return "probabilities of classes have no error bars";
  if (!holds_nothing_out(s)) return "";
  return "valid_fraction=0 holds nothing out to calibrate with";
}

}  // namespace

std::vector<SettingRow> mc_settings() {
  return {
      {"predict", "det", "", "auto", 0, 0, "det|mc|auto", "0.1.0",
       "how the model predicts; det: without dropout; mc: the mean of mc.T passes with the dropout "
       "of training; auto: mc if the held-out rows favour it beyond chance (95 % of bootstrap "
       "samples), else det",
       mode_of_dropout},
      {"mc.T", int64_t{default_samples}, "passes", "", 2, double{most_samples}, "", "0.1.0",
       "passes with dropout of an MC prediction", without_dropout},
      {"mc.calibrate", "conformal", "", "", 0, 0, "none|affine|conformal", "0.1.0",
       "error bars learnt from the held-out rows; none: no error bars, and with predict=det no "
       "passes "
       "with dropout after training; affine: sigma^2 = a s^2 + b of the raw spread s "
       "over passes and seeds; conformal: and intervals by the scores |measured - predicted| / "
       "sigma",
       kind_of_held_out},
  };
}

McSettings read_mc_settings(const Settings& s) {
  const std::string kind = s.text("mc.calibrate"), mode = s.text("predict");
  return {.samples = static_cast<int>(s.i64("mc.T")),
          .kind = kind == "none"     ? Calibrated::none
                  : kind == "affine" ? Calibrated::affine
                                     : Calibrated::conformal,
          .mode = mode == "det"  ? ModeChoice::deterministic
                  : mode == "mc" ? ModeChoice::mc
                                 : ModeChoice::by_held_out_rows,
          .seed = static_cast<uint64_t>(s.i64("seed"))};
}

int held_out_passes(const Settings& settings, const DropoutRates& rates) {
  const McSettings mc = read_mc_settings(settings);
  const bool asked = mc.mode != ModeChoice::deterministic || mc.kind != Calibrated::none;
  return rates.any() && asked ? mc.samples : 0;
}

DropoutRates dropout_rates(const Settings& s, int layers, int quiet_layers) {
  DropoutRates rates;
  rates.seed = static_cast<uint64_t>(s.i64("seed"));
  rates.pooler = head_rate(s);
  if (!why_no_dropout(s).empty() || encoder_is_frozen(s) || quiet_layers == layers) return rates;
  rates.embedding = quiet_layers > 0 ? 0 : s.f64("emb_dropout");
  rates.attention = s.f64("attention_dropout");
  rates.activation = s.f64("activation_dropout");
  rates.residual = s.f64("dropout");
  rates.quiet_layers = quiet_layers;
  return rates;
}

}  // namespace molrt
