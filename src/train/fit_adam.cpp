#include <algorithm>

#include "train/fold.h"

namespace molrt {
namespace {

// A head on the fold's representations.
class HeadTrainee : public Trainee {
 public:
  explicit HeadTrainee(const Fold& fold)
      : fold_(fold),
        head_(new_head(fold)),
        gradient_(make_head(head_.kind, head_.width, head_.outputs, head_.hidden)) {}

  std::vector<TrainedTensor> tensors() override {
    std::vector<TrainedTensor> tensors;
    const auto values = parameters(head_), gradients = parameters(gradient_);
    for (size_t i = 0; i < values.size(); ++i)
      tensors.push_back({"classification_head", values[i], gradients[i]});
    return tensors;
  }

  LossSum learn(std::span<const size_t> rows, uint32_t step) override {
    const auto items = training_items(fold_, rows, step);
    targets_ = scaled_targets(fold_, rows);
    molecules_.clear();
    for (const RowConformer item : items) molecules_.push_back(item.molecule());
    const HeadDropout noise{fold_.settings.pooler_dropout, fold_.settings.seed, step, molecules_};
    outputs_.resize(targets_.size());
    d_outputs_.resize(targets_.size());
    head_forward_training(head_, gather(fold_, items).data(), noise, activations_, outputs_.data());
    const LossSum loss = evaluate_loss(fold_.settings.loss, outputs_.data(), targets_.data(),
                                       targets_.size(), d_outputs_.data());
    for (const auto& tensor : parameters(gradient_)) std::fill(tensor.begin(), tensor.end(), 0.f);
    head_backward(head_, noise, activations_, d_outputs_.data(), gradient_, nullptr);
    return loss;
  }

  LossSum evaluate(std::span<const size_t> rows) override { return sum_loss(fold_, head_, rows); }

  const Head& head() const { return head_; }

 private:
  const Fold& fold_;
  Head head_, gradient_;
  HeadActivations activations_;
  std::vector<uint32_t> molecules_;
  std::vector<float> targets_, outputs_, d_outputs_;
};

}  // namespace

LoopSettings loop_settings(const HeadSettings& s, uint32_t fold) {
  return {.seed = s.seed,
          .fold = fold,
          .batch_size = static_cast<size_t>(s.batch_size),
          .epochs = s.epochs,
          .lr = s.lr,
          .warmup = s.warmup,
          .clip = s.clip,
          .adam_beta1 = s.adam_beta1,
          .adam_beta2 = s.adam_beta2,
          .adam_eps = s.adam_eps,
          .patience = s.patience,
          .ema_beta = s.ema_beta};
}

FoldFit fit_adam(const Fold& fold, const EpochCallback& after_epoch,
                 const CancelCheck& check_cancelled) {
  HeadTrainee trainee(fold);
  FoldFit fit;
  fit.loop = run_loop(trainee, loop_settings(fold.settings, fold.index), fold.split.train,
                      fold.split.held_out, after_epoch, check_cancelled);
  fit.head = trainee.head();
  return fit;
}

}  // namespace molrt
