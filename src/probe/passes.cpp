#include "probe/passes.h"

#include <algorithm>

#include "model/folds.h"
#include "probe/target_gradient.h"

namespace molrt {
namespace {

// Enough for all threads and for the packing of weights to be little; their tapes are held.
constexpr size_t tokens_per_pass = 2048;
constexpr size_t bytes_per_pass = size_t{256} << 20;

constexpr uint32_t probe_step = 0xFFFFFFFF;  // as of all passes that are not a training's

}  // namespace

ProbePasses::ProbePasses(const Model& model, const ProbeOptions& options, const ProbeRows& rows,
                         size_t encoder, int threads, int batch_size,
                         std::function<void(size_t)> tell)
    : model_(model),
      options_(options),
      rows_(rows),
      tell_(std::move(tell)),
      orders_(probe_orders(options)),
      folds_(model.folds_of_encoder(encoder)),
      batch_size_(batch_size > 0 ? static_cast<size_t>(batch_size) : SIZE_MAX),
      team_(threads),
      parameters_(encoder_only(model.encoder_tensors(encoder)), "the model", Gradients::none),
      encoder_(model.card().architecture, parameters_) {}

void ProbePasses::run(int layer, std::span<const ProbeItem> items, ProbeSums& sums) {
  layer_ = layer;
  encoder_.set_frozen_layers(layer);
  for (size_t first = 0, last; first < items.size(); first = last) {
    last = end_of_part(items, first);
    run_part(items.subspan(first, last - first), sums);
  }
}

size_t ProbePasses::end_of_part(std::span<const ProbeItem> items, size_t first) const {
  size_t last = first, tokens = 0, bytes = 0;
  for (; last < items.size() && last - first < batch_size_; ++last) {
    const int length = items[last].features->length();
    tokens += static_cast<size_t>(length);
    bytes += encoder_.activation_bytes(length) + shape_of(items[last]).mask_size() *
                                                     sizeof(uint16_t) * orders_.size() *
                                                     options_.rates.size();
    if (last > first && (tokens > tokens_per_pass || bytes > bytes_per_pass)) break;
  }
  return last;
}

void ProbePasses::run_part(std::span<const ProbeItem> items, ProbeSums& sums) {
  molecules_.clear();
  for (const ProbeItem& item : items) molecules_.push_back(item.features);
  inputs_ = encoder_.forward_frozen(team_, molecules_, {});
  input_addresses_.clear();
  for (const LayerInput& input : inputs_) input_addresses_.push_back(&input);
  tell_(items.size() * static_cast<size_t>(layer_));
  add(items, 0, at_random(items), folds_, sums);
  for (const size_t& fold : folds_) {
    const std::vector<Drops> drops = by_attribution(items, fold);
    for (size_t order = 1; order < orders_.size(); ++order)
      add(items, order, drops[order - 1], {&fold, 1}, sums);
  }
}

AttentionShape ProbePasses::shape_of(const ProbeItem& item) const {
  const Architecture& a = model_.card().architecture;
  return {item.features->length(), a.width, a.heads};
}

KeyCoins ProbePasses::coins_of(const ProbeItem& item) const {
  return {random_key(options_.seed, probe_step), item.id, layer_, random_purpose(Purpose::addrop)};
}

ProbePasses::Drops ProbePasses::empty_drops(std::span<const ProbeItem> items) const {
  DroppedKeys one{std::vector<std::vector<KeyMask>>(static_cast<size_t>(layer_) + 1)};
  for (const ProbeItem& item : items) one.layers.back().emplace_back(shape_of(item).mask_size());
  return Drops(options_.rates.size(), one);
}

// One head's part of the masks of all rates.
void ProbePasses::fill(Drops& drops, std::span<const ProbeItem> items, size_t item, int head,
                       const float* scores, const ProbeOrder& order) const {
  const bool by_magnitude =
      order.attribution == ProbeAttribution::abs && !is_classification(model_.card().task);
  const AttentionShape shape = shape_of(items[item]);
  const KeyCoins coins = coins_of(items[item]);
  const size_t offset = size_t(head) * shape.tokens * shape.mask_stride();
  for (size_t rate = 0; rate < drops.size(); ++rate)
    drop_by_score(shape, head, scores, {options_.rates[rate], 1, order.order, by_magnitude}, coins,
                  drops[rate].layers.back()[item].data() + offset);
}

ProbePasses::Drops ProbePasses::at_random(std::span<const ProbeItem> items) {
  Drops drops = empty_drops(items);
  team_.share(items.size(), [&](size_t i, Workspace&) {
    for (int head = 0; head < model_.card().architecture.heads; ++head)
      fill(drops, items, i, head, nullptr, orders_[0]);
  });
  return drops;
}

// Of all orders but the random one.
std::vector<ProbePasses::Drops> ProbePasses::by_attribution(std::span<const ProbeItem> items,
                                                            size_t fold) {
  std::vector<Drops> drops(orders_.size() - 1, empty_drops(items));
  const std::vector<float> cls = pass(items, nullptr);
  for (size_t a = 0; a < options_.attributions.size(); ++a)
    attribute(items, d_output(items, fold, options_.attributions[a], cls),
              std::span(drops).subspan(2 * a, 2), std::span(orders_).subspan(1 + 2 * a, 2));
  return drops;
}

// After a pass without dropping.
void ProbePasses::attribute(std::span<const ProbeItem> items, const float* d_output,
                            std::span<Drops> drops, std::span<const ProbeOrder> orders) {
  const AttentionVisitor visit = [&](const HeadAttention& head) {
    for (size_t i = 0; i < orders.size(); ++i)
      fill(drops[i], items, head.molecule, head.head, head.gradient, orders[i]);
  };
  encoder_.attribute(team_, {}, {&layer_, 1}, d_output, visit, Shown::gradient);
  tell_(items.size() * static_cast<size_t>(model_.card().architecture.layers - layer_));
}

// The gradient of the encoder's output: that of CLS, 0 elsewhere.
const float* ProbePasses::d_output(std::span<const ProbeItem> items, size_t fold,
                                   ProbeAttribution attribution, const std::vector<float>& cls) {
  const auto width = static_cast<size_t>(model_.card().architecture.width);
  std::vector<float> d_cls;
  for (size_t i = 0; i < items.size(); ++i) {
    const size_t row = items[i].row;
    const std::vector<float> own =
        target_gradient(model_, fold, attribution,
                        std::span(rows_.labels).subspan(row * rows_.targets, rows_.targets),
                        cls.data() + i * width, rows_.inputs[row].data());
    d_cls.insert(d_cls.end(), own.begin(), own.end());
  }
  return encoder_.scatter_cls(d_cls.data(), width);
}

std::vector<float> ProbePasses::pass(std::span<const ProbeItem> items, const DroppedKeys* dropped) {
  EncoderNoise noise;
  noise.dropped_keys = dropped;
  const auto width = static_cast<size_t>(model_.card().architecture.width);
  const float* rows = encoder_.forward_trained(team_, molecules_, input_addresses_, noise);
  std::vector<float> cls(items.size() * width);
  encoder_.gather_cls(rows, cls.data(), width);
  tell_(items.size() * static_cast<size_t>(model_.card().architecture.layers - layer_));
  return cls;
}

void ProbePasses::add(std::span<const ProbeItem> items, size_t order, const Drops& drops,
                      std::span<const size_t> folds, ProbeSums& sums) {
  const size_t outputs = model_.card().targets.size();
  std::vector<double> own(outputs);
  for (size_t rate = 0; rate < drops.size(); ++rate) {
    const std::vector<float> cls = pass(items, &drops[rate]);
    for (size_t i = 0; i < items.size(); ++i)
      for (const size_t fold : folds) {
        const float* row = cls.data() + i * cls.size() / items.size();
        model_.fold_outputs(fold, row, own.data(), rows_.inputs[items[i].row].data());
        const auto sum = sums.of(items[i].row, order, rate).subspan(fold * outputs, outputs);
        for (size_t k = 0; k < outputs; ++k) sum[k] += own[k];
      }
  }
}

}  // namespace molrt
