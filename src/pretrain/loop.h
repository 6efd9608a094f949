#pragma once
// The steps of a pre-training run: batches, the optimiser, the curves, the checkpoint.
#include <chrono>
#include <functional>
#include <span>

#include "pretrain/corpus.h"
#include "pretrain/network.h"
#include "pretrain/records.h"
#include "pretrain/settings.h"
#include "train/checkpoint.h"
#include "train/optimiser.h"

namespace molrt {

struct LabelScaling {  // standardised label = (label - mean) / deviation
  double mean = 0, deviation = 1;
  size_t count = 0;  // values that they were learnt from
};

// What a run learns from; all of it outlives the loop.
struct PretrainData {
  const Model& start;
  const Corpus& corpus;
  std::span<const size_t> train, held_out;  // molecules of the corpus
  std::span<const LabelScaling> scalings;   // [targets]
};

struct PretrainProgress {
  uint64_t step, steps;
  double loss;  // of the last batch, weighted sum
  double lr;
  size_t molecules, held_out;       // in training, looked at
  size_t records, planned_records;  // points of the curves
  double held_out_loss;             // of the latest; NaN: none
};
using PretrainCallback = std::function<bool(const PretrainProgress&)>;  // true: stop

class PretrainLoop {
 public:
  // Goes on where the checkpoint is, to the same bytes.
  PretrainLoop(const PretrainData& data, const PretrainSettings& settings, int threads,
               MemberCheckpoint checkpoint, const PretrainCallback& progress);

  bool run();  // whether it came to its end, or was stopped
  TensorMap tensors() const { return network_.copy_tensors(); }
  uint64_t steps_done() const { return done_; }
  const std::vector<PretrainRecord>& history() const { return history_; }

 private:
  double seconds() const;
  bool stopped();
  void step();
  void record();
  PretrainSums look();
  double rate() const;  // of the last step
  std::span<const size_t> batch();
  std::vector<PretrainItem> items(std::span<const size_t> molecules, PhiloxKey key);
  void check_finite(double value, const char* what) const;
  template <typename Visit>
  void visit_arrays(const Visit& visit);
  void save();
  void restore();

  const PretrainData& data_;
  const PretrainSettings& s_;
  int threads_;
  MemberCheckpoint checkpoint_;
  const PretrainCallback& progress_;
  Team team_;
  PretrainNetwork network_;
  std::vector<TrainedTensor> tensors_;
  Adam adam_;
  StepPlan plan_;
  uint64_t done_ = 0;  // steps
  std::vector<PretrainRecord> history_;
  std::vector<size_t> order_;  // of the epoch
  std::vector<float> labels_;  // of the batch, standardised
  PretrainSums since_record_;
  double loss_ = 0;    // of the last batch
  double before_ = 0;  // seconds, of the runs that this one goes on from
  std::chrono::steady_clock::time_point begun_;
};

}  // namespace molrt
