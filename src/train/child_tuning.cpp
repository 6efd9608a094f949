#include "train/child_tuning.h"

#include "kernels/dropout.h"
#include "train/head_settings.h"
#include "train/mixout.h"

namespace molrt {
namespace {

// Weight noise of one kind (the counter's word b).
constexpr uint32_t child_noise = 1;

std::string of_child(const Settings& s) {
  return s.text("child.mode") == "off" ? "child.mode is off" : "";
}

std::string of_random(const Settings& s) {
  return has_random_child(s) ? "" : "child.mode is " + s.text("child.mode");
}

std::string of_steps(const Settings& s) { return of_child(s).empty() ? without_steps(s) : ""; }

SettingValue usual_rescale(const Settings& s) { return int64_t{has_random_child(s) ? 1 : 0}; }

// F: what is kept of a step is drawn anew in each.
class RandomChild : public Method {
 public:
  RandomChild(double keep, bool rescale, bool of_updates)
      : keep_(keep), scale_(rescale ? 1 / keep : 1), of_updates_(of_updates) {}

  void on_gradient(PhiloxKey key, const TensorPart& part) const override {
    if (!of_updates_) mask(key, part);
  }
  void on_update(PhiloxKey key, const TensorPart& part) const override { mask(key, part); }
  bool has_on_update() const override { return of_updates_; }

 private:
  void mask(PhiloxKey key, const TensorPart& part) const {
    const HitStream stream{key, part.tensor, child_noise, random_purpose(Purpose::weight_noise),
                           keep_};
    keep_hits(stream, scale_, part.first, part.values);
  }

  double keep_, scale_;
  bool of_updates_;
};

}  // namespace

bool has_random_child(const Settings& s) {
  return s.text("child.mode") == "F" || s.text("child.mode") == "FD";
}

bool has_fisher_child(const Settings& s) {
  return s.text("child.mode") == "D" || s.text("child.mode") == "FD";
}

std::vector<SettingRow> child_tuning_settings() {
  return {
      {"child.mode", "off", "", "F", 0, 0, "off|F|D|FD", "0.1.0",
       "ChildTuning; F: in each step a random part of the weights learns; D: always the part with "
       "the most Fisher information; FD: a random part of the latter",
       of_steps},
      {"child.keep_f", .3, "", "", 1e-6, 1, "", "0.1.0",
       "of F: probability with which an element is kept", of_random},
      {"child.stage", "grad", "", "", 0, 0, "grad|update", "0.1.0",
       "what F keeps or drops; grad: the gradient, before Adam's moments; update: what Adam adds "
       "to the weight",
       of_random},
      {"child.rescale", int64_t{1}, "", "", 0, 1, "", "0.1.0",
       "1: what is kept is divided by child.keep_f, of D by child.keep_d; default of D: 0",
       of_child, usual_rescale},
  };
}

std::unique_ptr<Method> make_child_tuning(const Settings& s) {
  if (!has_random_child(s)) return nullptr;
  return std::make_unique<RandomChild>(s.f64("child.keep_f"), s.i64("child.rescale") == 1,
                                       s.text("child.stage") == "update");
}

std::vector<std::string> child_tuning_warnings(const Settings& s) {
  std::vector<std::string> warnings;
  if (has_random_child(s) && mixout_is_on(s))
    warnings.push_back("ChildTuning-F beside Mixout: both drop parts of what the weights learn");
  if (s.text("child.mode") == "FD")
    warnings.push_back(
        "child.mode=FD: of the elements chosen by Fisher information a random part "
        "learns in each step");
  return warnings;
}

}  // namespace molrt
