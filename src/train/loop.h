#pragma once
// The loop of a training run: batches, the optimiser's step, epochs, early stopping. What is
// trained stands behind Trainee: a head on representations (fit_adam.cpp) or a whole network
// (network.h).
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "train/checkpoint.h"
#include "train/loss.h"
#include "train/optimiser.h"

namespace molrt {

// Of the held-out rows; NaN where it is not defined.
struct Evaluation {
  LossSum loss;
  double metric;  // what is shown
  double score;   // what early stopping minimises
};

// Where in a run a step is.
struct StepAt {
  uint32_t step;
  int epoch;       // from 1
  uint64_t steps;  // of the whole run, as planned
};

class Trainee : public GradientSource {
 public:
  // With names of their own.
  virtual std::vector<TrainedTensor> tensors() = 0;
  // What each step learns, one after the other, with moments of its own: factors of the learning
  // rate.
  virtual std::vector<double> objectives() { return {1}; }
  // Sets the tensors' gradients to those of the mean loss over the rows' labels, in training mode;
  // of another objective than the first, as that has it.
  virtual LossSum learn(std::span<const size_t> rows, const StepAt& at, size_t objective) = 0;
  // In evaluation mode.
  virtual Evaluation evaluate(std::span<const size_t> rows) = 0;
  // spread_ratio() (train/unlabelled.h); NaN without unlabelled rows.
  virtual double spread_ratio() { return std::numeric_limits<double>::quiet_NaN(); }
};

struct LoopSettings {
  uint64_t seed;
  uint32_t fold;
  size_t batch_size;
  int epochs;
  double lr, warmup;  // peak; fraction of the steps
  double clip;        // 0: off
  double adam_beta1, adam_beta2, adam_eps;
  int patience;     // 0: no early stopping
  double ema_beta;  // 0: off
  int last_epoch;   // where it ends, though the learning rate is planned for `epochs`; 0: there
  int threads = 1;  // of the optimiser; the trainee has its own
  std::shared_ptr<Methods> methods = std::make_shared<Methods>();
};

struct EpochRecord {
  int epoch = 0;
  double train_loss = 0;
  double valid_loss = 0, metric = 0, score = 0;  // Evaluation's; NaN without held-out rows
  double lr = 0;                                 // of its last step
  double spread_ratio = std::numeric_limits<double>::quiet_NaN();  // Trainee's
};

struct LoopResult {
  int epochs = 0;                    // run
  EpochRecord best;                  // whose parameters were kept; epoch 0: none was finished
  std::vector<EpochRecord> history;  // of every epoch
  bool interrupted = false;
  std::string save_error;  // why an interrupted run could not be kept in the checkpoint
};
nlohmann::json to_json(const LoopResult& result);
LoopResult loop_result(const nlohmann::json& json);  // throws nlohmann's exceptions

struct LoopCallbacks {
  std::function<void(const EpochRecord&)> after_epoch;
  // So many of the planned steps are done; the batch's loss.
  std::function<void(uint64_t step, uint64_t steps, double loss)> after_step;
  // So many passes over the held-out rows are done, after the loop.
  std::function<void(int pass)> after_pass = {};
  // Before each batch.
  std::function<void()> check_cancelled;
};  // any of them may throw CANCELLED

// Trains on the rows and leaves the best epoch's values (without early stopping the last one's;
// with an average, the averaged ones) in the trainee's tensors. Goes on where the checkpoint is, to
// the same bytes. When cancelled, after an epoch at least, it leaves the best so far:
// `interrupted`. DATA error if the training diverges.
LoopResult run_loop(Trainee& trainee, const LoopSettings& settings, std::span<const size_t> train,
                    std::span<const size_t> held_out, const LoopCallbacks& callbacks,
                    MemberCheckpoint& checkpoint);

}  // namespace molrt
