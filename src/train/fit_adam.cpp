#include <algorithm>

#include "train/evaluation.h"
#include "train/head_step.h"

namespace molrt {
namespace {

// A head on the fold's representations.
class HeadTrainee : public Trainee {
 public:
  explicit HeadTrainee(const Fold& fold)
      : fold_(fold),
        head_(first_head(fold)),
        gradient_(make_head(head_.kind, head_.width, head_.outputs, head_.hidden)),
        step_(fold) {}

  std::vector<TrainedTensor> tensors() override {
    return head_tensors(head_, gradient_, fold_.settings.weight_decay);
  }

  LossSum learn(std::span<const size_t> rows, uint32_t step, int epoch) override {
    const auto items = fold_.data.conformers.choose(rows, fold_.seed, static_cast<uint32_t>(epoch));
    set_zero(gradient_);
    const std::vector<float> inputs = gather(fold_, items);
    const NetworkPass pass{inputs, {}};
    return step_.run(head_, items, std::span(&pass, 1), step, whole_batch(fold_, rows), gradient_);
  }

  void gradients(std::span<const size_t> rows, const Target& target, bool dropout, uint32_t step,
                 Purpose purpose) override {
    const auto items = fold_.data.conformers.choose(rows, fold_.seed, 0);
    set_zero(gradient_);
    const std::vector<float> inputs = gather(fold_, items);
    step_.look(head_, items, inputs, target, {dropout, step, purpose}, gradient_, {});
  }

  Evaluation evaluate(std::span<const size_t> rows) override {
    return evaluate_outputs(fold_, rows, head_outputs(fold_, head_, rows));
  }

  const Head& head() const { return head_; }

 private:
  const Fold& fold_;
  Head head_, gradient_;
  HeadStep step_;
};

}  // namespace

LoopSettings loop_settings(const Fold& fold) {
  const HeadSettings& s = fold.settings;
  return {.seed = fold.seed,
          .fold = fold.index,
          .batch_size = static_cast<size_t>(s.batch_size),
          .epochs = s.epochs,
          .lr = s.lr,
          .warmup = s.warmup,
          .clip = s.clip,
          .adam_beta1 = s.adam_beta1,
          .adam_beta2 = s.adam_beta2,
          .adam_eps = s.adam_eps,
          .patience = fold.split.held_out.empty() ? 0 : s.patience,
          .ema_beta = s.ema_beta,
          .last_epoch = fold.last_epoch,
          .methods = fold.methods};
}

FoldFit fit_adam(const Fold& fold, const LoopCallbacks& callbacks, MemberCheckpoint& checkpoint) {
  HeadTrainee trainee(fold);
  FoldFit fit;
  fit.loop = run_loop(trainee, loop_settings(fold), fold.split.train, fold.split.held_out,
                      callbacks, checkpoint);
  fit.head = trainee.head();
  return fit;
}

}  // namespace molrt
