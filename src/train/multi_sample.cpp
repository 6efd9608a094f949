#include "train/multi_sample.h"

#include "train/head_settings.h"

namespace molrt {
namespace {

bool is_on(const Settings& s) { return s.i64("msd.n") > 1; }

std::string of_samples(const Settings& s) {
  return is_on(s) ? "" : "msd.n is 1: there is one sample";
}

std::string of_steps(const Settings& s) { return is_on(s) ? without_steps(s) : ""; }

std::string needs_rate(const Settings& s) {
  return is_on(s) && s.f64("msd.p") == 0
             ? "without dropout in the head all samples are equal: set msd.p"
             : "";
}

class MultiSample : public Method {
 public:
  MultiSample(size_t samples, double rate, bool of_outputs)
      : samples_(samples), rate_(rate), of_outputs_(of_outputs) {}

  void on_head(HeadPlan& plan) const override {
    plan.rates.assign(samples_, rate_);
    plan.mean_first = of_outputs_;
  }

 private:
  size_t samples_;
  double rate_;
  bool of_outputs_;
};

}  // namespace

std::vector<SettingRow> multi_sample_settings() {
  return {
      {"msd.n", int64_t{1}, "", "5", 1, 64, "", "0.1.0",
       "Multi-Sample Dropout: the head sees each molecule with so many dropout masks; 1: off",
       of_steps, nullptr, needs_rate},
      {"msd.p", 0.0, "", "0.2", 0, 1, "", "0.1.0",
       "their dropout rate, in place of pooler_dropout, which is its default", of_samples,
       [](const Settings& s) { return SettingValue(dropout_rate(s, "pooler_dropout")); }},
      {"msd.reduce", "loss", "", "", 0, 0, "loss|pred", "0.1.0",
       "what is averaged over the masks; loss: the losses; pred: the outputs, before the loss",
       of_samples},
  };
}

double head_rate(const Settings& s) {
  return is_on(s) ? s.f64("msd.p") : dropout_rate(s, "pooler_dropout");
}

std::unique_ptr<Method> make_multi_sample(const Settings& s) {
  if (!is_on(s)) return nullptr;
  return std::make_unique<MultiSample>(static_cast<size_t>(s.i64("msd.n")), s.f64("msd.p"),
                                       s.text("msd.reduce") == "pred");
}

}  // namespace molrt
