#include "train/rdrop.h"

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "train/head_settings.h"
#include "train/mc_settings.h"
#include "train/mixout.h"
#include "train/task_settings.h"

namespace molrt {
namespace {

constexpr const char* names[] = {"mse", "mae", "huber", "kl", "bern", "logit_mse"};

std::string of_rdrop(const Settings& s) { return rdrop_is_on(s) ? "" : "rdrop.on is 0"; }

std::string of_pair(const Settings& s) {
  if (!rdrop_is_on(s)) return of_rdrop(s);
  return s.f64("rdrop.alpha") == 0 ? "rdrop.alpha=0 leaves the distance out" : "";
}

std::string of_steps(const Settings& s) { return rdrop_is_on(s) ? without_steps(s) : ""; }

std::string needs_noise(const Settings& s) {
  if (!rdrop_is_on(s) || dropout_rates(s, 1, 0).any() || mixout_is_on(s)) return "";
  return "without dropout or Mixout both passes are equal: set a dropout rate (of "
         "freeze.prefix=encoder pooler_dropout)";
}

SettingValue usual_alpha(const Settings& s) { return is_classification(task_of(s)) ? 4. : 1.; }

Distance usual_distance(const Settings& s) {
  const TaskSettings task = read_task_settings(s);
  if (task.loss.softmax) return Distance::kl;
  if (is_classification(task.task)) return Distance::bern;
  return task.loss.kind == LossKind::mae     ? Distance::mae
         : task.loss.kind == LossKind::huber ? Distance::huber
                                             : Distance::mse;
}

Distance distance_of(const Settings& s) {
  const auto at = std::find(std::begin(names), std::end(names), s.text("rdrop.dist"));
  return at == std::end(names) ? usual_distance(s)
                               : static_cast<Distance>(std::distance(std::begin(names), at));
}

SettingValue usual_distance_name(const Settings& s) {
  return names[static_cast<size_t>(usual_distance(s))];
}

std::string distance_misfit(const Settings& s) {
  const Distance distance = distance_of(s);
  const Task task = task_of(s);
  const std::string name = s.text("rdrop.dist");
  if (is_classification(task) == (distance <= Distance::huber))
    return is_classification(task) ? name + " is for measured values; classes take kl or bern"
                                   : name + " is for classes; measured values take mse, mae, huber";
  if (distance == Distance::kl && task != Task::multiclass)
    return "kl is for the classes of task=multiclass; one yes or no a target takes bern";
  if (distance == Distance::bern && task == Task::multiclass)
    return "bern is for one yes or no a target; task=multiclass takes kl";
  return "";
}

// Off is what it is until there are molecules without values (Job::set_unlabelled).
std::string of_unlabelled(const Settings& s, const char* name) {
  if (const std::string reason = of_pair(s); !reason.empty()) return reason;
  const bool waits = s.is_set(name) && !s.is_set("rdrop.u_mode");
  return s.text("rdrop.u_mode") == "off" && !waits ? "rdrop.u_mode is off" : "";
}

std::string of_u_weight(const Settings& s) { return of_unlabelled(s, "rdrop.u_weight"); }

std::string of_alternate(const Settings& s) {
  if (const std::string reason = of_unlabelled(s, "rdrop.u_lr"); !reason.empty()) return reason;
  return s.text("rdrop.u_mode") == "joint" ? "it belongs to rdrop.u_mode=alternate" : "";
}

SettingValue half_lr(const Settings& s) { return s.f64("lr") / 2; }

// Alternating steps begin at their whole weight, as Su's do.
UnlabelledPlan unlabelled_plan(const Settings& s) {
  const std::string mode = s.text("rdrop.u_mode");
  return {.on = mode != "off",
          .weight = s.f64("rdrop.u_weight"),
          .ramp = mode == "joint" ? .2 : 0,
          .alternate = mode == "alternate",
          .rate_factor = s.f64("rdrop.u_lr") / s.f64("lr")};
}

class RDrop : public Method {
 public:
  RDrop(Distance distance, double alpha, double huber_delta, const UnlabelledPlan& unlabelled)
      : pair_(pair_loss(distance, alpha, huber_delta)), alpha_(alpha), unlabelled_(unlabelled) {}

  void on_plan(PassPlan& plan) const override {
    plan.passes = 2;
    if (alpha_ > 0) plan.pair = pair_;
    plan.unlabelled = unlabelled_;
  }
  void on_counted(Counted& counted) const override {
    if (counted.encoder_kappa > 0) counted.encoder_kappa += alpha_;
    if (counted.head_kappa > 0) counted.head_kappa += alpha_ * counted.mean_head;
    if (counted.noisy_encoder) counted.factor *= 2;
    if (unlabelled_.on) counted.factor *= 2;
  }
  void on_check(const Counted& counted, int) const override {
    if (counted.encoder_kappa == 0 && counted.head_kappa == 0)
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "setting 'rdrop.on': both passes would be equal: all layers are frozen without dropout "
           "(freeze.mode=eval), and pooler_dropout is 0");
  }

 private:
  PairLoss pair_;
  double alpha_;
  UnlabelledPlan unlabelled_;
};

}  // namespace

bool rdrop_is_on(const Settings& s) { return s.i64("rdrop.on") == 1; }

double canonical_alpha(const Settings& s) {
  return s.f64("rdrop.alpha") * (s.text("rdrop.norm") == "readme" ? 2 : 1);
}

std::vector<SettingRow> rdrop_settings() {
  return {
      {"rdrop.on", int64_t{0}, "", "1", 0, 1, "", "0.1.0",
       "1: R-Drop; each molecule goes twice through the network with noise of its own, and what "
       "the passes give is drawn together",
       of_steps, nullptr, needs_noise},
      {"rdrop.alpha", 1.0, "", "", 0, 1e6, "", "0.1.0",
       "weight of their distance; of classes 4 by default; 0: two passes alone, its control",
       of_rdrop, usual_alpha},
      {"rdrop.norm", "mean", "", "", 0, 0, "mean|paper|readme", "0.1.0",
       "how rdrop.alpha counts; mean and paper: L = mean of both losses + alpha/4 (D12 + D21); "
       "readme: alpha/2 (D12 + D21)",
       of_pair},
      {"rdrop.dist", "auto", "", "", 0, 0, "auto|mse|mae|huber|kl|bern|logit_mse", "0.1.0",
       "the distance D between two passes; auto: of measured values that of the loss, of "
       "multiclass kl (the divergence, both ways), of binary and multilabel bern (the same, of "
       "each target); logit_mse: squared, of logits",
       of_pair, usual_distance_name, distance_misfit},
      {"rdrop.u_mode", "off", "", "joint", 0, 0, "off|joint|alternate", "0.1.0",
       "molecules without values, whose two passes are drawn together, too; joint: as many in each "
       "step as others, with a weight that rises over the first fifth of the steps (what it is if "
       "there are such molecules); alternate: in steps of their own, with moments of their own",
       of_pair},
      {"rdrop.u_weight", 1.0, "", "", 0, 1e6, "", "0.1.0",
       "weight of what they add, beside rdrop.alpha", of_u_weight},
      {"rdrop.u_lr", 2.5e-4, "", "", 1e-12, 10, "", "0.1.0",
       "peak learning rate of their own steps; half of lr by default", of_alternate, half_lr},
  };
}

void check_unlabelled(const Settings& s, bool there_are) {
  if (there_are) return;
  for (const char* name : {"rdrop.u_mode", "rdrop.u_weight", "rdrop.u_lr"})
    if (s.is_set(name) &&
        (std::string_view(name) != "rdrop.u_mode" || s.text("rdrop.u_mode") != "off"))
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "setting '{}' needs molecules without values, and there are none", name);
}

void take_unlabelled(Settings& s) {
  if (!rdrop_is_on(s) || s.f64("rdrop.alpha") == 0)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "molecules without values are for R-Drop: set rdrop.on, with an rdrop.alpha above 0");
  if (!s.is_set("rdrop.u_mode")) s.set_text("rdrop.u_mode", "joint");
  if (s.text("rdrop.u_mode") == "off")
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "setting 'rdrop.u_mode' is off: the molecules without values would have no effect");
  s.validate();
}

std::unique_ptr<Method> make_rdrop(const Settings& s) {
  if (!rdrop_is_on(s)) return nullptr;
  return std::make_unique<RDrop>(distance_of(s), canonical_alpha(s), s.f64("huber_delta"),
                                 unlabelled_plan(s));
}

std::vector<std::string> rdrop_warnings(const Settings& s) {
  if (rdrop_is_on(s) && s.i64("msd.n") > 1)
    return {
        "R-Drop beside Multi-Sample Dropout draws the means over each pass's samples together, "
        "whose spread is smaller than a sample's"};
  return {};
}

}  // namespace molrt
