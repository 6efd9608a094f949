#include <algorithm>

#include "train/evaluation.h"
#include "train/unlabelled.h"

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

  std::vector<double> objectives() override { return objectives_of(step_.plan().unlabelled); }

  LossSum learn(std::span<const size_t> rows, const StepAt& at, size_t objective) override {
    set_zero(gradient_);
    LossSum total;
    for (const BatchPart& part : batch_parts(fold_, step_.plan().unlabelled, rows, at, objective))
      total += learn_part(part, at);
    return total;
  }

  void gradients(std::span<const size_t> rows, const Target& target, bool dropout, uint32_t step,
                 Purpose purpose) override {
    const auto items = fold_.data.conformers.choose(rows, fold_.seed, 0);
    set_zero(gradient_);
    const std::vector<float> inputs = gather(fold_, items);
    const double weight = target ? 1 : fold_weight(fold_, rows);
    step_.look(head_, items, inputs, target, {dropout, step, purpose, weight}, gradient_, {});
  }

  Evaluation evaluate(std::span<const size_t> rows) override {
    return evaluate_outputs(fold_, rows, head_outputs(fold_, head_, rows));
  }

  double spread_ratio() override {
    return molrt::spread_ratio(
        fold_, [&](std::span<const size_t> rows) { return head_outputs(fold_, head_, rows); });
  }

  const Head& head() const { return head_; }

 private:
  LossSum learn_part(const BatchPart& part, const StepAt& at) {
    const auto items =
        fold_.data.conformers.choose(part.rows, fold_.seed, static_cast<uint32_t>(at.epoch));
    const std::vector<float> inputs = gather(fold_, items);
    const NetworkPass pass{inputs, {}};
    return step_.run(head_, items, std::span(&pass, 1), at.step, part.share, gradient_);
  }

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
