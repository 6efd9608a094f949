#pragma once
// One encoder's passes with keys dropped in one layer.
#include <functional>
#include <span>
#include <vector>

#include "model/trainable_encoder.h"
#include "probe/options.h"
#include "probe/rows.h"

namespace molrt {

// [rows, orders, rates, folds, outputs]: what the networks say, in the units that their heads were
// trained on or as probabilities, summed over the conformers in their order.
class ProbeSums {
 public:
  ProbeSums(const Model& model, const ProbeOptions& options, size_t rows)
      : rates_(options.rates.size()),
        size_(model.scaled_size()),
        row_(probe_orders(options).size() * rates_ * size_),
        values_(rows * row_) {}
  // [folds, outputs]
  std::span<double> of(size_t row, size_t order, size_t rate) {
    return {values_.data() + row * row_ + (order * rates_ + rate) * size_, size_};
  }

 private:
  size_t rates_, size_, row_;
  std::vector<double> values_;
};

class ProbePasses {
 public:
  // tell(conformers times layers) after each pass; it may throw. batch_size 0: as many as fit.
  ProbePasses(const Model& model, const ProbeOptions& options, const ProbeRows& rows,
              size_t encoder, int threads, int batch_size, std::function<void(size_t)> tell);

  // Adds this encoder's folds to `sums`. The same bytes whatever the threads and batches are.
  void run(int layer, std::span<const ProbeItem> items, ProbeSums& sums);

 private:
  using Drops = std::vector<DroppedKeys>;  // [rates] of an order, of the part's molecules

  size_t end_of_part(std::span<const ProbeItem> items, size_t first) const;
  void run_part(std::span<const ProbeItem> items, ProbeSums& sums);
  AttentionShape shape_of(const ProbeItem& item) const;
  KeyCoins coins_of(const ProbeItem& item) const;
  Drops empty_drops(std::span<const ProbeItem> items) const;
  void fill(Drops& drops, std::span<const ProbeItem> items, size_t item, int head,
            const float* scores, const ProbeOrder& order) const;
  Drops at_random(std::span<const ProbeItem> items);
  std::vector<Drops> by_attribution(std::span<const ProbeItem> items, size_t fold);
  void attribute(std::span<const ProbeItem> items, const float* d_output, std::span<Drops> drops,
                 std::span<const ProbeOrder> orders);
  const float* d_output(std::span<const ProbeItem> items, size_t fold, ProbeAttribution attribution,
                        const std::vector<float>& cls);
  // CLS of all [items, width].
  std::vector<float> pass(std::span<const ProbeItem> items, const DroppedKeys* dropped);
  void add(std::span<const ProbeItem> items, size_t order, const Drops& drops,
           std::span<const size_t> folds, ProbeSums& sums);

  const Model& model_;
  const ProbeOptions& options_;
  const ProbeRows& rows_;
  std::function<void(size_t)> tell_;
  std::vector<ProbeOrder> orders_;
  std::vector<size_t> folds_;  // that have the encoder
  size_t batch_size_;
  Team team_;
  Parameters parameters_;
  TrainableEncoder encoder_;

  int layer_ = 0;
  std::vector<const Features*> molecules_;  // of the part, and their way into the layer
  std::vector<LayerInput> inputs_;
  std::vector<const LayerInput*> input_addresses_;
};

}  // namespace molrt
