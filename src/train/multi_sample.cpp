#include "train/multi_sample.h"

#include <algorithm>

#include "train/head_settings.h"
#include "train/list_settings.h"

namespace molrt {
namespace {

bool has_rates(const Settings& s) { return !s.text("msd.rates").empty(); }

bool is_on(const Settings& s) { return s.i64("msd.n") > 1; }

std::vector<double> read_rates(const Settings& s) {
  if (has_rates(s)) return read_numbers(s.text("msd.rates"), 0, 1).value_or(std::vector<double>{});
  return std::vector<double>(static_cast<size_t>(s.i64("msd.n")), s.f64("msd.p"));
}

std::string of_samples(const Settings& s) {
  return is_on(s) ? "" : "msd.n is 1: there is one sample";
}

std::string of_one_rate(const Settings& s) {
  return has_rates(s) ? "msd.rates gives each sample its own" : of_samples(s);
}

std::string of_steps(const Settings& s) { return is_on(s) ? without_steps(s) : ""; }

std::string of_rates(const Settings& s) {
  if (has_rates(s)) return without_steps(s);
  return is_on(s) ? "it is empty: msd.p is the rate of all samples" : of_samples(s);
}

std::string needs_rate(const Settings& s) {
  const std::vector<double> rates = read_rates(s);
  const bool none = std::all_of(rates.begin(), rates.end(), [](double rate) { return rate == 0; });
  return is_on(s) && none ? "without dropout in the head all samples are equal: set msd.p" : "";
}

std::string one_rate_a_sample(const Settings& s) {
  if (!has_rates(s)) return "";
  const auto rates = read_numbers(s.text("msd.rates"), 0, 1);
  if (!rates)
    return "'" + s.text("msd.rates") + "' is no list of rates from 0 to 1, such as .1,.2,.3";
  return static_cast<int64_t>(rates->size()) == s.i64("msd.n")
             ? ""
             : std::to_string(rates->size()) +
                   " rates for msd.n=" + std::to_string(s.i64("msd.n")) + " samples";
}

SettingValue as_many_as_rates(const Settings& s) {
  return static_cast<int64_t>(has_rates(s) ? std::clamp<size_t>(read_rates(s).size(), 1, 64) : 1);
}

class MultiSample : public Method {
 public:
  MultiSample(std::vector<double> rates, bool of_outputs)
      : rates_(std::move(rates)), of_outputs_(of_outputs) {}

  void on_plan(PassPlan& plan) const override {
    plan.head_rates = rates_;
    plan.mean_first = of_outputs_;
  }
  void on_counted(Counted& counted) const override {
    counted.mean_head /= static_cast<double>(rates_.size());
    if (of_outputs_) counted.head_kappa = counted.mean_head;
  }

 private:
  std::vector<double> rates_;
  bool of_outputs_;
};

}  // namespace

std::vector<SettingRow> multi_sample_settings() {
  return {
      {"msd.n", int64_t{1}, "", "5", 1, 64, "", "0.1.0",
       "Multi-Sample Dropout: the head sees each molecule with so many dropout masks; 1: off; with "
       "msd.rates as many as they are",
       of_steps, as_many_as_rates, needs_rate},
      {"msd.p", 0.0, "", "0.2", 0, 1, "", "0.1.0",
       "their dropout rate, in place of pooler_dropout, which is its default", of_one_rate,
       [](const Settings& s) { return SettingValue(dropout_rate(s, "pooler_dropout")); }},
      {"msd.rates", "", "", "0.1,0.2,0.3,0.4,0.5", 0, 0, "", "0.1.0",
       "a dropout rate for each of them, separated by commas, in place of msd.p", of_rates, nullptr,
       one_rate_a_sample},
      {"msd.reduce", "loss", "", "", 0, 0, "loss|pred", "0.1.0",
       "what is averaged over the masks; loss: the losses; pred: the outputs, before the loss",
       of_samples},
  };
}

bool pooler_rate_is_replaced(const Settings& s) {
  return is_on(s) && (has_rates(s) || s.is_set("msd.p"));
}

// Of several rates their mean: prediction has one.
double head_rate(const Settings& s) {
  if (!is_on(s)) return dropout_rate(s, "pooler_dropout");
  const std::vector<double> rates = read_rates(s);
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return rates.empty() ? 0 : sum / static_cast<double>(rates.size());
}

std::unique_ptr<Method> make_multi_sample(const Settings& s) {
  if (!is_on(s)) return nullptr;
  return std::make_unique<MultiSample>(read_rates(s), s.text("msd.reduce") == "pred");
}

}  // namespace molrt
