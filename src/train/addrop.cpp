#include "train/addrop.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "train/list_settings.h"
#include "train/network_settings.h"
#include "train/rdrop.h"
#include "train/task_settings.h"

namespace molrt {
namespace {

bool is_on(const Settings& s) { return s.f64("addrop.q") > 0; }

std::string of_addrop(const Settings& s) { return is_on(s) ? "" : "addrop.q is 0"; }

std::string of_network(const Settings& s) {
  return is_on(s) && encoder_is_frozen(s) ? "freeze.prefix=encoder trains the head alone" : "";
}

bool has(const Settings& s, const char* attribution) {
  return s.text("addrop.attr") == attribution;
}

std::string of_target(const Settings& s) {
  if (!is_on(s)) return of_addrop(s);
  return has(s, "aa") || has(s, "ra") ? "addrop.attr=" + s.text("addrop.attr") + " has no target"
                                      : "";
}

std::string of_integrated(const Settings& s) {
  if (!is_on(s)) return of_addrop(s);
  return has(s, "iga") ? "" : "it belongs to addrop.attr=iga";
}

std::string of_order(const Settings& s) {
  if (!is_on(s)) return of_addrop(s);
  return has(s, "ra") ? "addrop.attr=ra has no order" : "";
}

std::string pseudo_of_classes(const Settings& s) {
  const bool pseudo = s.text("addrop.target") == "pseudo";
  return pseudo && !is_classification(task_of(s))
             ? "at the predicted value itself the likelihood of a regression has no gradient: take "
               "dev or abs"
             : "";
}

std::string offset_within(const Settings& s) {
  return s.i64("addrop.offset") < s.i64("addrop.every")
             ? ""
             : "it must be below addrop.every=" + std::to_string(s.i64("addrop.every"));
}

SettingValue usual_offset(const Settings& s) { return int64_t{s.i64("addrop.every") > 1 ? 1 : 0}; }

std::string patience_of_pairs(const Settings& s) {
  const bool soon = s.i64("patience") > 0 && s.i64("patience") < s.i64("addrop.every");
  return is_on(s) && soon ? "patience=" + std::to_string(s.i64("patience")) +
                                " would stop within a round of addrop.every=" +
                                std::to_string(s.i64("addrop.every")) + " epochs"
                          : "";
}

std::vector<int> read_layers(const Settings& s) {
  std::vector<int> layers;
  if (s.text("addrop.layers") == "all") return layers;
  const auto numbers = read_numbers(s.text("addrop.layers"), 0, 1000);
  for (const double number : numbers.value_or(std::vector<double>()))
    layers.push_back(static_cast<int>(number));
  std::sort(layers.begin(), layers.end());
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  return layers;
}

std::string list_of_layers(const Settings& s) {
  const std::string text = s.text("addrop.layers");
  if (text == "all") return "";
  const auto numbers = read_numbers(text, 0, 1000);
  const bool whole = numbers && std::all_of(numbers->begin(), numbers->end(),
                                            [](double x) { return x == std::floor(x); });
  return whole ? "" : "'" + text + "' is neither all nor a list of layers from 0, such as 0,1,2";
}

Attribution attribution_of(const Settings& s) {
  return has(s, "ga")    ? Attribution::gradient
         : has(s, "iga") ? Attribution::integrated
         : has(s, "aa")  ? Attribution::attention
                         : Attribution::random;
}

AttributionTarget target_of(const Settings& s) {
  const std::string target = s.text("addrop.target");
  return target == "abs"      ? AttributionTarget::magnitude
         : target == "out"    ? AttributionTarget::output
         : target == "gold"   ? AttributionTarget::gold
         : target == "pseudo" ? AttributionTarget::pseudo
                              : AttributionTarget::deviation;
}

class AdDrop : public Method {
 public:
  AdDrop(AttentionPlan plan, int every, int offset)
      : plan_(std::move(plan)), every_(every), offset_(offset) {}

  void on_attention(int epoch, AttentionPlan& plan) const override {
    if (epoch % every_ == offset_) plan = plan_;
  }
  void on_check(const Counted& counted, int frozen) const override {
    for (const int layer : plan_.layers)
      if (layer >= counted.layers || layer < frozen)
        fail(MOLRT_ERROR_INVALID_ARGUMENT, "setting 'addrop.layers': layer {} {}", layer,
             layer >= counted.layers ? fmt::format("is not there: the model has {}", counted.layers)
                                     : std::string("is frozen: nothing before it is learnt"));
  }
  // Beside the pass that is learnt from: one that looks, and its way back to the lowest layer.
  void on_counted(Counted& counted) const override {
    const int lowest = plan_.layers.empty() ? 0 : plan_.layers.front();
    const double back = counted.layers > 0 ? 1. - static_cast<double>(lowest) / counted.layers : 1;
    double passes = 1;
    if (plan_.attribution == Attribution::gradient) passes += back;
    if (plan_.attribution == Attribution::integrated) passes += 2 * plan_.steps * back;
    counted.factor += passes / 3 / every_;
  }

 private:
  AttentionPlan plan_;
  int every_, offset_;
};

}  // namespace

std::vector<SettingRow> addrop_settings() {
  return {
      {"addrop.q", 0.0, "", "0.3", 0, 1, "", "0.1.0",
       "AD-DROP: probability with which a candidate key is dropped from the attention; 0: off",
       of_network, nullptr, patience_of_pairs},
      {"addrop.p", .3, "", "", 0, 1, "", "0.1.0",
       "part of each query's keys that are candidates, those with the highest attribution",
       of_addrop},
      {"addrop.attr", "ga", "", "", 0, 0, "ga|iga|aa|ra", "0.1.0",
       "the attribution; ga: gradient of the target by the attention; iga: integrated gradients; "
       "aa: the attention itself; ra: none, keys are dropped by chance",
       of_addrop},
      {"addrop.target", "auto", "", "", 0, 0, "auto|dev|abs|out|gold|pseudo", "0.1.0",
       "what is attributed; auto and dev: the prediction's distance from the training mean, of "
       "classes the predicted one's logit; abs: the prediction, ranked by magnitude; out: the "
       "prediction; gold: minus the squared error of the measured value, of classes the logarithm "
       "of its probability (which leaks it); pseudo: that of the predicted class",
       of_target, nullptr, pseudo_of_classes},
      {"addrop.layers", "all", "", "", 0, 0, "", "0.1.0",
       "in which layers, from 0, separated by commas; all: in those that are trained", of_addrop,
       nullptr, list_of_layers},
      {"addrop.every", int64_t{2}, "epochs", "", 1, 100000, "", "0.1.0",
       "cross-tuning: one epoch of so many is with AD-DROP; 1: all", of_addrop},
      {"addrop.offset", int64_t{1}, "", "", 0, 99999, "", "0.1.0",
       "which of them, from 0; of addrop.every=1 0 by default", of_addrop, usual_offset,
       offset_within},
      {"addrop.m", int64_t{20}, "steps", "", 1, 10000, "", "0.1.0", "steps of integrated gradients",
       of_integrated},
      {"addrop.order", "high", "", "", 0, 0, "high|low", "0.1.0",
       "which keys are candidates: those with the highest or the lowest attribution", of_order},
      {"addrop.pass1", "train", "", "", 0, 0, "train|eval", "0.1.0",
       "the pass that is looked at; train: with dropout; eval: without", of_addrop},
  };
}

std::unique_ptr<Method> make_addrop(const Settings& s) {
  if (!is_on(s) || s.f64("addrop.p") == 0) return nullptr;
  AttentionPlan plan;
  plan.on = true;
  plan.attribution = attribution_of(s);
  plan.target = target_of(s);
  plan.choice = {s.f64("addrop.p"), s.f64("addrop.q"),
                 s.text("addrop.order") == "low" ? KeyOrder::low : KeyOrder::high,
                 plan.target == AttributionTarget::magnitude};
  plan.steps = static_cast<int>(s.i64("addrop.m"));
  plan.dropout = s.text("addrop.pass1") == "train";
  plan.layers = read_layers(s);
  return std::make_unique<AdDrop>(std::move(plan), static_cast<int>(s.i64("addrop.every")),
                                  static_cast<int>(s.i64("addrop.offset")));
}

std::vector<std::string> addrop_warnings(const Settings& s) {
  std::vector<std::string> warnings;
  if (!is_on(s)) return warnings;
  if (rdrop_is_on(s))
    warnings.push_back(
        "AD-DROP beside R-Drop: both passes do without the same keys, and a step costs twice as "
        "much");
  if (s.text("addrop.target") == "gold")
    warnings.push_back("addrop.target=gold lets the measured value choose the keys: it leaks it");
  return warnings;
}

}  // namespace molrt
