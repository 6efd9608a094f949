#include "probe/probe.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "probe/passes.h"

namespace molrt {
namespace {

class Probe {
 public:
  Probe(const ProbeData& data, const ProbeOptions& options, const RunOptions& run)
      : data_(data),
        card_(data.model.card()),
        run_(run),
        options_(checked(options, card_.architecture)),
        orders_(probe_orders(options_).size()) {
    check_probe_labels(card_, data.labels);
  }

  ProbeResult run() {
    predict();
    for (size_t encoder = 0; encoder < data_.model.encoders(); ++encoder)
      for (const int layer : options_.layers)
        total_ += rows_.items.size() * probe_steps(data_.model, options_, encoder, layer);
    describe();
    for (const int layer : options_.layers) run_layer(layer);
    return std::move(result_);
  }

 private:
  // Without dropping, which says what rows there are.
  void predict() {
    const auto outputs = static_cast<size_t>(card_.outputs());
    std::vector<float> all(data_.batch.size() * outputs), own;
    data_.batch.predict(data_.model, run_, all.data(), nullptr);
    rows_ = choose_probe_rows(data_.batch, card_, data_.labels);
    for (const size_t row : rows_.rows)
      own.insert(own.end(), all.begin() + row * outputs, all.begin() + (row + 1) * outputs);
    const bool classes = is_classification(card_.task);
    result_.metrics = {classes ? Metric::auroc : Metric::rmse,
                       classes ? Metric::accuracy : Metric::r2};
    for (size_t target = 0; target < rows_.targets; ++target) {
      const Outcomes outcomes = probe_outcomes(rows_, card_, own, target);
      result_.labels.push_back(complete_rows(outcomes).measured.size());
      result_.plain.push_back(metrics(own, target));
    }
  }

  void describe() {
    result_.options = options_;
    result_.task = card_.task;
    result_.targets = probe_target_names(card_);
    result_.units = card_.units;
    result_.units.resize(result_.targets.size());
    result_.rows = data_.batch.size();
    result_.used = rows_.rows.size();
    result_.failed = rows_.failed;
    result_.without_target = rows_.without_target;
    result_.networks = card_.folds();
    result_.passes = probe_passes(data_.model, options_);
  }

  void run_layer(int layer) {
    ProbeSums sums(data_.model, options_, rows_.rows.size());
    for (size_t encoder = 0; encoder < data_.model.encoders(); ++encoder)
      passes_of(encoder).run(layer, rows_.items, sums);
    for (size_t order = 0; order < orders_; ++order)
      for (size_t rate = 0; rate < options_.rates.size(); ++rate) {
        const std::vector<float> predictions = finish(sums, order, rate);
        for (size_t target = 0; target < rows_.targets; ++target)
          result_.dropped.push_back(metrics(predictions, target));
      }
  }

  // Copies of one encoder's weights at a time.
  ProbePasses& passes_of(size_t encoder) {
    if (passes_ && encoder_ == encoder) return *passes_;
    passes_.reset();
    passes_ = std::make_unique<ProbePasses>(data_.model, options_, rows_, encoder, run_.threads,
                                            run_.batch_size, [this](size_t steps) { tell(steps); });
    encoder_ = encoder;
    return *passes_;
  }

  void tell(size_t steps) {
    done_ += steps;
    if (run_.progress && run_.progress(MOLRT_STAGE_PROBE, done_, total_))
      fail(MOLRT_ERROR_CANCELLED, "the probe was stopped after {:.0f} % of its work",
           100.0 * static_cast<double>(done_) / static_cast<double>(total_));
  }

  // [rows, outputs]
  std::vector<float> finish(ProbeSums& sums, size_t order, size_t rate) const {
    const auto outputs = static_cast<size_t>(card_.outputs());
    std::vector<float> predictions(rows_.rows.size() * outputs), deviations(outputs);
    for (size_t row = 0; row < rows_.rows.size(); ++row) {
      const auto scaled = sums.of(row, order, rate);
      for (double& value : scaled) value /= static_cast<double>(rows_.conformers[row]);
      data_.model.finish(scaled.data(), predictions.data() + row * outputs, deviations.data());
    }
    return predictions;
  }

  // Not defined where a prediction is no number: those of the others would look too good.
  ProbeMetrics metrics(std::span<const float> predictions, size_t target) const {
    const Outcomes outcomes = probe_outcomes(rows_, card_, predictions, target);
    const auto broken = [](double value) { return !std::isfinite(value); };
    if (std::any_of(outcomes.predicted.begin(), outcomes.predicted.end(), broken))
      return {NAN, NAN};
    return {evaluate_metric(result_.metrics[0], outcomes),
            evaluate_metric(result_.metrics[1], outcomes)};
  }

  const ProbeData& data_;
  const ModelCard& card_;
  const RunOptions& run_;
  ProbeOptions options_;
  size_t orders_;
  ProbeRows rows_;
  ProbeResult result_;
  std::unique_ptr<ProbePasses> passes_;
  size_t encoder_ = 0, done_ = 0, total_ = 0;
};

}  // namespace

const ProbeMetrics& ProbeResult::at(size_t layer, size_t order, size_t rate, size_t target) const {
  const size_t orders = probe_orders(options).size();
  return dropped[((layer * orders + order) * options.rates.size() + rate) * targets.size() +
                 target];
}

ProbeResult run_probe(const ProbeData& data, const ProbeOptions& options, const RunOptions& run) {
  return Probe(data, options, run).run();
}

}  // namespace molrt
