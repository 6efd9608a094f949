#pragma once
// The loop of a training run: batches, the optimiser's step, epochs, early stopping. What is
// trained stands behind Trainee: a head on representations (fit_adam.cpp) or a whole network
// (network.h).
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "train/loss.h"
#include "train/optimiser.h"

namespace molrt {

// Of the held-out rows; NaN where it is not defined.
struct Evaluation {
  LossSum loss;
  double metric;  // what is shown
  double score;   // what early stopping minimises
};

class Trainee {
 public:
  virtual ~Trainee() = default;
  virtual std::vector<TrainedTensor> tensors() = 0;
  // Sets the tensors' gradients to those of the mean loss over the rows' labels, in training mode.
  virtual LossSum learn(std::span<const size_t> rows, uint32_t step) = 0;
  // In evaluation mode.
  virtual Evaluation evaluate(std::span<const size_t> rows) = 0;
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
  int threads = 1;  // of the optimiser; the trainee has its own
};

struct LoopResult {
  int epochs = 0, best_epoch = 0;
  // At best_epoch; valid NaN without held-out rows.
  double train_loss = 0, valid_loss = 0, valid_metric = 0;
};

// Called after each epoch, from 1; throws to stop.
using EpochCallback = std::function<void(int epoch, double train_loss, double valid_loss)>;
// Called before each batch; throws to stop.
using CancelCheck = std::function<void()>;

// Trains on the rows and leaves the best epoch's values (without early stopping the last one's;
// with an average, the averaged ones) in the trainee's tensors. DATA error if the training
// diverges.
LoopResult run_loop(Trainee& trainee, const LoopSettings& settings, std::span<const size_t> train,
                    std::span<const size_t> held_out, const EpochCallback& after_epoch,
                    const CancelCheck& check_cancelled);

}  // namespace molrt
