#include "train/mixout.h"

#include <algorithm>
#include <array>
#include <list>

#include "base/error.h"
#include "kernels/dropout.h"
#include "train/head_settings.h"
#include "train/list_settings.h"
#include "train/network_settings.h"

namespace molrt {
namespace {

// Weight noise of one kind (the counter's word b).
constexpr uint32_t mixout_noise = 2;

std::string of_mixout(const Settings& s) { return mixout_is_on(s) ? "" : "mixout.p is 0"; }

std::string of_encoder(const Settings& s) {
  if (!mixout_is_on(s)) return of_mixout(s);
  return encoder_is_frozen(s) ? "freeze.prefix=encoder trains the head alone" : "";
}

std::string of_steps(const Settings& s) { return mixout_is_on(s) ? without_steps(s) : ""; }

std::string needs_weights(const Settings& s) {
  return mixout_is_on(s) && encoder_is_frozen(s) && s.text("mixout.head") == "off"
             ? "freeze.prefix=encoder trains the head alone: set mixout.head or another "
               "freeze.prefix"
             : "";
}

std::string needs_names(const Settings& s) {
  return split_at_commas(s.text("mixout.scope")).empty() ? "it names no tensors" : "";
}

bool is_linear_weight(std::string_view name) {
  constexpr std::string_view endings[] = {"in_proj.weight", "out_proj.weight", "fc1.weight",
                                          "fc2.weight",     "linear1.weight",  "linear2.weight",
                                          "dense.weight"};
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

enum class HeadTarget { off, initial, zero };

struct MixoutSettings {
  double p;
  bool columns, zero_target, author_gradient;
  HeadTarget head;
  std::vector<std::string> scope;
};

// Which elements of a weight a pass keeps: drawn once, as parts of a batch and the way back read
// them again.
class KeptBits {
 public:
  bool is_of(PassKey key) const { return !bytes_.empty() && key_ == key.key && pass_ == key.pass; }

  void draw(PassKey key, const DropoutStream& stream, size_t count) {
    constexpr size_t block = 1024;
    float scales[block];
    key_ = key.key;
    pass_ = key.pass;
    bytes_.assign((count + 7) / 8, 0);
    for (size_t first = 0; first < count; first += block) {
      const size_t n = std::min(block, count - first);
      dropout_scales(stream, first, n, scales);
      std::fill(scales + n, scales + block, 0.f);
      for (size_t i = 0; i < n; i += 8) bytes_[(first + i) / 8] = eight_bits(scales + i);
    }
  }

  // scale or 0 of the elements from `first` on.
  void scales(uint64_t first, float scale, std::span<float> out) const {
    size_t i = 0;
    for (; first % 8 == 0 && i + 8 <= out.size(); i += 8) {
      const float* eight = patterns()[bytes_[(first + i) / 8]].data();
      for (size_t k = 0; k < 8; ++k) out[i + k] = eight[k] * scale;
    }
    for (; i < out.size(); ++i)
      out[i] = bytes_[(first + i) / 8] >> (first + i) % 8 & 1 ? scale : 0.f;
  }

 private:
  static uint8_t eight_bits(const float* scales) {
    unsigned bits = 0;
    for (unsigned k = 0; k < 8; ++k) bits |= unsigned{scales[k] != 0} << k;
    return static_cast<uint8_t>(bits);
  }

  // Of every byte its bits as 0 and 1.
  static const std::array<std::array<float, 8>, 256>& patterns() {
    static const auto all = [] {
      std::array<std::array<float, 8>, 256> made{};
      for (size_t byte = 0; byte < 256; ++byte)
        for (size_t k = 0; k < 8; ++k) made[byte][k] = static_cast<float>(byte >> k & 1);
      return made;
    }();
    return all;
  }

  PhiloxKey key_{};
  uint32_t pass_ = 0;
  std::vector<uint8_t> bytes_;
};

class Mixout : public Method {
 public:
  explicit Mixout(MixoutSettings settings)
      : s_(std::move(settings)), scale_(s_.p < 1 ? static_cast<float>(1 / (1 - s_.p)) : 0.f) {}

  bool needs_origin() const override { return !s_.zero_target; }

  void on_start(std::span<const TrainedTensor> tensors) override {
    bool others = false;
    for (const TrainedTensor& t : tensors) {
      if (!is_linear_weight(t.name)) continue;
      const bool head = t.name.starts_with("classification_head.");
      others = others || !head;
      if (head && s_.head != HeadTarget::off) add_head(t);
      if (!head && begins_with_any(t.name, s_.scope))
        add(t.name, t.value.size(), s_.zero_target ? std::span<const float>() : t.origin);
    }
    if (others && of_.size() == kept_.size())
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "setting 'mixout.scope': no weight of a linear layer in training begins with '{}'",
           fmt::join(s_.scope, "' or '"));
  }

  void on_counted(Counted& counted) const override {
    if (s_.head != HeadTarget::off) counted.head_kappa = std::max(counted.head_kappa, 1.);
    if (!counted.whole_network) return;
    counted.encoder_kappa = 1;
    counted.noisy_encoder = counted.noisy_weights = true;
  }

  bool has_on_weight(std::string_view name) const override { return of_.contains(name); }

  void on_weight(PassKey key, const WeightPart& w) const override {
    const Target& target = of_.find(w.name)->second;
    keep_bits(key, target, w);
    for_each_row(key, target, w, [&](size_t first, std::span<const float> scales) {
      float* values = w.values.data() + first;
      const float* u = target.origin.empty() ? nullptr : target.origin.data() + w.first + first;
      for (size_t i = 0; i < scales.size(); ++i) {
        const float from = u ? u[i] : 0.f;
        values[i] = scales[i] == 0 ? from : from + (values[i] - from) * scales[i];
      }
    });
  }

  void on_weight_gradient(PassKey key, const WeightPart& g) const override {
    for_each_row(key, of_.find(g.name)->second, g,
                 [&](size_t first, std::span<const float> scales) {
                   float* values = g.values.data() + first;
                   for (size_t i = 0; i < scales.size(); ++i)
                     values[i] = scales[i] == 0       ? 0.f
                                 : s_.author_gradient ? values[i]
                                                      : values[i] * scales[i];
                 });
  }

 private:
  struct Target {
    uint32_t tensor;
    size_t size;
    std::span<const float> origin;              // u; empty: 0
    mutable std::array<KeptBits, 2> kept = {};  // by pass
    const KeptBits* bits(PassKey key) const {
      const KeptBits& own = kept[key.pass % 2];
      return own.is_of(key) ? &own : nullptr;
    }
  };

  void add(const std::string& name, size_t size, std::span<const float> origin) {
    of_.emplace(name, Target{tensor_number(name), size, origin});
  }

  // Its first values are nobody else's to keep.
  void add_head(const TrainedTensor& t) {
    kept_.emplace_back();
    if (s_.head == HeadTarget::initial) kept_.back().assign(t.value.begin(), t.value.end());
    add(t.name, t.value.size(), kept_.back());
  }

  // body(first, scales) with 0 or 1/(1-p) for each element of the part, row by row.
  template <typename Body>
  void for_each_row(PassKey key, const Target& target, const WeightPart& part,
                    const Body& body) const {
    const DropoutStream stream{key.key, target.tensor, mixout_noise,
                               random_purpose(Purpose::weight_noise, key.pass), s_.p};
    std::vector<float> scales(part.columns);
    if (s_.columns) dropout_scales(stream, 0, part.columns, scales.data());
    const KeptBits* bits = s_.columns ? nullptr : target.bits(key);
    for (size_t first = 0; first < part.values.size(); first += part.columns) {
      if (bits)
        bits->scales(part.first + first, scale_, scales);
      else if (!s_.columns)
        dropout_scales(stream, part.first + first, part.columns, scales.data());
      body(first, scales);
    }
  }

  // Of all elements, for this pass's other uses; the whole weight is read first, by one thread.
  void keep_bits(PassKey key, const Target& target, const WeightPart& part) const {
    if (s_.columns || target.bits(key) || part.values.size() != target.size) return;
    KeptBits& bits = target.kept[key.pass % 2];
    const DropoutStream stream{key.key, target.tensor, mixout_noise,
                               random_purpose(Purpose::weight_noise, key.pass), s_.p};
    bits.draw(key, stream, target.size);
  }

  MixoutSettings s_;
  float scale_;                                    // of what is kept
  std::map<std::string, Target, std::less<>> of_;  // by the weight's name
  std::list<std::vector<float>> kept_;
};

}  // namespace

bool mixout_is_on(const Settings& s) { return s.f64("mixout.p") > 0; }

bool mixout_replaces_dropout(const Settings& s) {
  return mixout_is_on(s) && s.i64("mixout.replaces_dropout") == 1;
}

std::vector<SettingRow> mixout_settings() {
  return {
      {"mixout.p", 0.0, "", "0.9", 0, 1, "", "0.1.0",
       "Mixout: probability with which a weight is, in a step, what it was when training began; 0: "
       "off",
       of_steps, nullptr, needs_weights},
      {"mixout.mask", "column", "", "", 0, 0, "column|element", "0.1.0",
       "what is drawn; column: all weights of an input together, as the authors do; element: each "
       "weight by itself",
       of_mixout},
      {"mixout.scope", "encoder.layers.,gbf_proj.", "", "", 0, 0, "", "0.1.0",
       "which linear layers of the encoder: beginnings of their weights' names, separated by "
       "commas",
       of_encoder, nullptr, needs_names},
      {"mixout.target", "pretrained", "", "", 0, 0, "pretrained|zero", "0.1.0",
       "what stands for a weight; pretrained: what training began with; zero: 0, which is "
       "DropConnect",
       of_encoder},
      {"mixout.head", "off", "", "", 0, 0, "off|init|zero", "0.1.0",
       "the same of the head's weights; init: what they began with", of_mixout},
      {"mixout.replaces_dropout", int64_t{1}, "", "", 0, 1, "", "0.1.0",
       "1: Mixout stands in dropout's place, as in the authors' recipe: all dropout rates are 0",
       of_mixout},
      {"mixout.author_grad", int64_t{0}, "", "", 0, 1, "", "0.1.0",
       "1: the gradient without the factor 1/(1-p), as the authors' code has it", of_mixout},
  };
}

std::unique_ptr<Method> make_mixout(const Settings& s) {
  if (!mixout_is_on(s)) return nullptr;
  const std::string head = s.text("mixout.head");
  return std::make_unique<Mixout>(MixoutSettings{
      .p = s.f64("mixout.p"),
      .columns = s.text("mixout.mask") == "column",
      .zero_target = s.text("mixout.target") == "zero",
      .author_gradient = s.i64("mixout.author_grad") == 1,
      .head = head == "off"    ? HeadTarget::off
              : head == "init" ? HeadTarget::initial
                               : HeadTarget::zero,
      .scope = split_at_commas(s.text("mixout.scope")),
  });
}

std::vector<std::string> mixout_warnings(const Settings& s) {
  std::vector<std::string> warnings;
  if (!mixout_is_on(s)) return warnings;
  if (s.f64("l2sp.lambda") > 0)
    warnings.push_back(
        "Mixout beside l2sp.lambda: both pull towards the weights that training began with");
  if (s.f64("mixout.p") == 1)
    warnings.push_back(
        "mixout.p=1 replaces all weights in its scope in every step: they learn nothing");
  return warnings;
}

}  // namespace molrt
