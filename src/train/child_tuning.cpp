#include "train/child_tuning.h"

#include "kernels/dropout.h"
#include "train/head_settings.h"

namespace molrt {
namespace {

// Weight noise of one kind (the counter's word b).
constexpr uint32_t child_noise = 1;

std::string of_child(const Settings& s) {
  return s.text("child.mode") == "off" ? "child.mode is off" : "";
}

std::string of_steps(const Settings& s) {
  return s.text("child.mode") == "off" ? "" : without_steps(s);
}

class ChildTuning : public Method {
 public:
  ChildTuning(double keep, bool rescale, bool of_updates)
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

std::vector<SettingRow> child_tuning_settings() {
  return {
      {"child.mode", "off", "", "F", 0, 0, "off|F", "0.1.0",
       "ChildTuning; F: in each step a random part of the weights learns", of_steps},
      {"child.keep_f", .3, "", "", 1e-6, 1, "", "0.1.0",
       "of F: probability with which an element is kept", of_child},
      {"child.stage", "grad", "", "", 0, 0, "grad|update", "0.1.0",
       "what is kept or dropped; grad: the gradient, before Adam's moments; update: what Adam adds "
       "to the weight",
       of_child},
      {"child.rescale", int64_t{1}, "", "", 0, 1, "", "0.1.0",
       "1: what is kept is divided by child.keep_f", of_child},
  };
}

std::unique_ptr<Method> make_child_tuning(const Settings& s) {
  if (s.text("child.mode") == "off") return nullptr;
  return std::make_unique<ChildTuning>(s.f64("child.keep_f"), s.i64("child.rescale") == 1,
                                       s.text("child.stage") == "update");
}

}  // namespace molrt
