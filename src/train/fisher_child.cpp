#include "train/fisher_child.h"

#include <algorithm>

#include "base/error.h"
#include "train/child_tuning.h"
#include "train/fisher.h"
#include "train/list_settings.h"
#include "train/network_settings.h"
#include "train/task_settings.h"

namespace molrt {
namespace {

std::string of_fisher(const Settings& s) {
  return has_fisher_child(s) ? "" : "child.mode is " + s.text("child.mode");
}

std::string of_decay(const Settings& s) {
  if (!has_fisher_child(s)) return of_fisher(s);
  const bool some = s.f64("weight_decay") > 0 || s.f64("l2sp.lambda") > 0 || s.f64("l2sp.head") > 0;
  return some ? "" : "there is neither weight_decay nor l2sp";
}

std::string within_epochs(const Settings& s) {
  return has_fisher_child(s) && s.i64("fisher.after_epochs") >= s.i64("epochs")
             ? "there are only " + std::to_string(s.i64("epochs")) + " epochs"
             : "";
}

std::string needs_names(const Settings& s) {
  return split_at_commas(s.text("fisher.scope")).empty() ? "it names no tensors" : "";
}

// The head alone is trained, or the layers.
SettingValue usual_scope(const Settings& s) {
  return encoder_is_frozen(s) ? "classification_head." : "encoder.layers.";
}

struct FisherChildSettings {
  double keep;
  bool rescale, decay_masked;
  int after_epochs;
  std::vector<std::string> scope;
  FisherSettings fisher;
};

// D: those of the scope's elements that have the most Fisher information; tensors out of the scope
// learn whole.
class FisherChild : public Method {
 public:
  explicit FisherChild(FisherChildSettings settings) : s_(std::move(settings)) {}

  void on_start(std::span<const TrainedTensor> tensors) override {
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (!begins_with_any(tensors[i].name, s_.scope)) continue;
      first_bit_[tensor_number(tensors[i].name)] = bits_;
      in_scope_.push_back(i);
      bits_ += tensors[i].value.size();
    }
    if (in_scope_.empty())
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "setting 'fisher.scope': no tensor in training begins with '{}'; the first is '{}'",
           fmt::join(s_.scope, "' or '"), tensors.empty() ? "" : tensors[0].name);
  }

  void on_epoch(const EpochStart& start) override {
    if (!child_.empty() || start.epoch != s_.after_epochs) return;
    child_ = largest_bits(fisher_information(start, in_scope_, s_.fisher), s_.keep);
  }

  void on_counted(Counted& counted) const override { counted.extra_epochs += 1; }

  void on_gradient(PhiloxKey, const TensorPart& part) const override {
    keep_child(part, s_.rescale ? static_cast<float>(1 / s_.keep) : 1.f);
  }
  // What had moments before there was a child would go on moving.
  bool has_on_update() const override { return s_.after_epochs > 0; }
  void on_update(PhiloxKey, const TensorPart& part) const override { keep_child(part, 1); }
  bool has_on_decay() const override { return !s_.decay_masked; }
  void on_decay(const TensorPart& factors) const override { keep_child(factors, 1); }

  std::vector<MethodState> state() override {
    return {{"child.elements", (bits_ + 63) / 64, child_}};
  }

 private:
  void keep_child(const TensorPart& part, float scale) const {
    const auto found = first_bit_.find(part.tensor);
    if (child_.empty() || found == first_bit_.end()) return;
    uint64_t bit = found->second + part.first;
    for (float& x : part.values) {
      const bool kept = static_cast<uint64_t>(child_[bit / 64]) >> (bit % 64) & 1;
      x = kept ? x * scale : 0.f;
      ++bit;
    }
  }

  FisherChildSettings s_;
  std::vector<size_t> in_scope_;  // of the tensors in training
  uint64_t bits_ = 0;
  std::map<uint32_t, uint64_t> first_bit_;  // by tensor number
  std::vector<int64_t> child_;              // a bit an element, 1: it learns; empty: not chosen yet
};

}  // namespace

std::vector<SettingRow> fisher_child_settings() {
  return {
      {"child.keep_d", .3, "", "", 1e-6, 1, "", "0.1.0", "of D: part of the elements that learns",
       of_fisher},
      {"child.decay_masked", int64_t{0}, "", "", 0, 1, "", "0.1.0",
       "1: weight_decay and l2sp move the elements that do not learn, as in the authors' code",
       of_decay},
      {"fisher.unit", "sample", "", "", 0, 0, "sample|batch", "0.1.0",
       "whose squared gradients the Fisher information is the mean of: each molecule's, or each "
       "batch's as in the authors' code",
       of_fisher},
      {"fisher.label", "empirical", "", "", 0, 0, "empirical|model", "0.1.0",
       "the label in them; empirical: what was measured; model: what the network predicts itself",
       of_fisher},
      {"fisher.dropout", int64_t{0}, "", "", 0, 1, "", "0.1.0",
       "1: with dropout, as in the authors' code", of_fisher},
      {"fisher.clip", 0.0, "", "", 0, 1e30, "", "0.1.0",
       "largest norm of a tensor's gradient in them (the authors' code: 1); 0: no clipping",
       of_fisher},
      {"fisher.batches", int64_t{0}, "batches", "", 0, 1e9, "", "0.1.0",
       "how many batches' molecules are looked at; 0: all", of_fisher},
      {"fisher.after_epochs", int64_t{0}, "epochs", "", 0, 100000, "", "0.1.0",
       "epochs in which all elements learn, before the choice is made", of_fisher, nullptr,
       within_epochs},
      {"fisher.scope", "encoder.layers.", "", "", 0, 0, "", "0.1.0",
       "which tensors D chooses from, beginnings of their names, separated by commas; the others "
       "learn whole; of a frozen encoder the head by default",
       of_fisher, usual_scope, needs_names},
  };
}

std::unique_ptr<Method> make_fisher_child(const Settings& s) {
  if (!has_fisher_child(s)) return nullptr;
  const Task task = task_of(s);
  return std::make_unique<FisherChild>(
      FisherChildSettings{.keep = s.f64("child.keep_d"),
                          .rescale = !has_random_child(s) && s.i64("child.rescale") == 1,
                          .decay_masked = s.i64("child.decay_masked") == 1,
                          .after_epochs = static_cast<int>(s.i64("fisher.after_epochs")),
                          .scope = split_at_commas(s.text("fisher.scope")),
                          .fisher = {.of_batches = s.text("fisher.unit") == "batch",
                                     .label_of_model = s.text("fisher.label") == "model",
                                     .classes = is_classification(task),
                                     .softmax = task == Task::multiclass,
                                     .dropout = s.i64("fisher.dropout") == 1,
                                     .clip = s.f64("fisher.clip"),
                                     .batches = s.i64("fisher.batches")}});
}

}  // namespace molrt
