#include "train/run_settings.h"

#include "train/split_settings.h"

namespace molrt {
namespace {

std::string refit_of_held_out(const Settings& s) {
  return s.i64("refit") == 1 && holds_nothing_out(s) ? "valid_fraction=0 trains on all rows already"
                                                     : "";
}

std::string seeds_of_chance(const Settings& s) {
  return s.i64("seeds") > 1 && s.text("solver") == "ridge"
             ? "solver=ridge leaves nothing but the split to chance, and all seeds share that"
             : "";
}

std::string head_of_adam(const Settings& s) {
  return s.text("head_init") == "base" && s.text("solver") == "ridge"
             ? "solver=ridge is solved in closed form, from nothing"
             : "";
}

std::string precision_misfit(const Settings& s) {
  if (precision_of(s) == Precision::split && s.text("freeze.prefix") != "encoder")
    return "split is for what a frozen encoder gives; whole networks train in f32 or bf16";
  return why_not(precision_of(s));
}

}  // namespace

std::vector<SettingRow> run_settings() {
  return {
      {"precision", "f32", "", "", 0, 0, "f32|split|bf16", "0.1.0",
       "of the products of the encoder's linear layers; bf16: operands rounded to bfloat16, faster "
       "and less exact, while weights, gradients and sums stay float32; split: operands as sums of "
       "two bfloat16, nearly as exact as f32",
       nullptr, nullptr, precision_misfit},
      {"seeds", int64_t{1}, "", "3", 1, 1000, "", "0.1.0",
       "networks of each fold, trained from seed, seed + 1 and so on, on the same split; the model "
       "averages all",
       seeds_of_chance},
      {"refit", int64_t{0}, "", "1", 0, 1, "", "0.1.0",
       "1: the model is trained once more, on all rows, for as many epochs as were best with rows "
       "held out (the median); the metrics stay those of the held-out rows",
       refit_of_held_out},
      {"head_init", "new", "", "", 0, 0, "new|base", "0.1.0",
       "base: go on with the base model's own head and target scaling, which must have the same "
       "targets; new: a fresh head",
       head_of_adam},
  };
}

Precision precision_of(const Settings& s) { return parse_precision(s.text("precision")); }

RunSettings read_run_settings(const Settings& s) {
  return {.seeds = static_cast<int>(s.i64("seeds")),
          .refit = s.i64("refit") == 1,
          .continue_head = s.text("head_init") == "base"};
}

}  // namespace molrt
