#include <algorithm>

#include "train/evaluation.h"

namespace molrt {
namespace {

// A head on the fold's representations.
class HeadTrainee : public Trainee {
 public:
  explicit HeadTrainee(const Fold& fold)
      : fold_(fold),
        head_(first_head(fold)),
        gradient_(make_head(head_.kind, head_.width, head_.outputs, head_.hidden)) {}

  std::vector<TrainedTensor> tensors() override {
    return head_tensors(head_, gradient_, fold_.settings.weight_decay);
  }

  LossSum learn(std::span<const size_t> rows, uint32_t step, int epoch) override {
    const auto items = fold_.data.conformers.choose(rows, fold_.seed, static_cast<uint32_t>(epoch));
    molecules_ = molecules_of(items);
    const HeadDropout noise{fold_.settings.pooler_dropout, fold_.seed, step, molecules_};
    outputs_.resize(rows.size() * fold_.outputs());
    d_outputs_.resize(outputs_.size());
    head_forward_training(head_, gather(fold_, items).data(), noise, activations_, outputs_.data());
    const LossSum loss = fold_loss(fold_, rows, outputs_.data(), d_outputs_.data());
    for (const auto& tensor : parameters(gradient_)) std::fill(tensor.begin(), tensor.end(), 0.f);
    head_backward(head_, noise, activations_, d_outputs_.data(), gradient_, nullptr);
    return loss;
  }

  Evaluation evaluate(std::span<const size_t> rows) override {
    return evaluate_outputs(fold_, rows, head_outputs(fold_, head_, rows));
  }

  const Head& head() const { return head_; }

 private:
  const Fold& fold_;
  Head head_, gradient_;
  HeadActivations activations_;
  std::vector<uint32_t> molecules_;
  std::vector<float> outputs_, d_outputs_;
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
          .methods = s.methods};
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
