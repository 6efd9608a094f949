#include "train/members.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/parallel.h"
#include "train/evaluation.h"
#include "train/member_state.h"
#include "train/report.h"
#include "train/run_settings.h"
#include "train/task_plan.h"

namespace molrt {
namespace {

using Fits = std::vector<std::optional<FoldFit>>;  // of each member; none: not reached

class Members {
 public:
  Members(const MemberRun& run, const UsedRows& rows, const FitMember& fit)
      : run_(run),
        rows_(rows),
        fit_(fit),
        plan_(read_run_settings(run.settings)),
        task_(plan_task(run.data, run.head.task, rows.used)),
        split_(plan_split(run.data, run.head.split, rows.used)),
        folds_(make_members(plan_.seeds)),
        monitor_({.members = folds_.size() + static_cast<size_t>(plan_.refit ? plan_.seeds : 0),
                  .epochs = run.head.ridge ? 1 : run.head.epochs,
                  .passes = run.passes,
                  .metric = shown_metric_name(folds_.front())},
                 run.run.progress, run.run.cancelled) {}

  HeadTrainingResult run() {
    const Fits fits = fit_all(folds_, 0);
    if (std::none_of(fits.begin(), fits.end(), [](const auto& f) { return f.has_value(); }))
      fail(MOLRT_ERROR_CANCELLED, "the training was cancelled");
    if (!plan_.refit || stopped_) return result_of(fits, folds_, fits, 0);
    const std::vector<Fold> all = refit_folds(fits);
    const Fits last = fit_all(all, folds_.size());
    // The members trained with rows held out are a model, too.
    if (stopped_) return result_of(fits, folds_, fits, 0);
    return result_of(fits, all, last, folds_.size());
  }

 private:
  std::vector<Fold> make_members(int seeds) const {
    check_training_side(run_.data, run_.head, split_);
    std::vector<Fold> members;
    for (int i = 0; i < seeds; ++i)
      for (size_t split = 0; split < split_.folds.size(); ++split)
        members.push_back(make_fold(run_.data, run_.head, task_,
                                    {members.size(), static_cast<uint32_t>(split), seed(i)},
                                    split_.folds[split]));
    return members;
  }

  uint64_t seed(int i) const { return run_.head.seed + static_cast<uint64_t>(i); }

  Fits fit_all(const std::vector<Fold>& folds, size_t first) {
    Fits fits(folds.size());
    parallel_for(run_.parallel, folds.size(), [&](size_t i, int worker) {
      try {
        fits[i] = fit_one(folds[i], first + i, worker);
      } catch (const Error& error) {
        if (error.status() != MOLRT_ERROR_CANCELLED) throw;
        stopped_ = true;
      }
    });
    if (!stopped_) deliver();
    return fits;
  }

  void deliver() try { monitor_.deliver(); } catch (const Error& error) {
    if (error.status() != MOLRT_ERROR_CANCELLED) throw;
    stopped_ = true;
  }

  FoldFit fit_one(const Fold& fold, size_t member, int worker) {
    MemberCheckpoint checkpoint =
        run_.run.checkpoint ? MemberCheckpoint(*run_.run.checkpoint, member) : MemberCheckpoint();
    if (const auto state = checkpoint.finished()) {
      FoldFit fit = fit_from_state(*state);
      monitor_.member_known(member, fit.loop);
      return without_encoder(std::move(fit), checkpoint);
    }
    monitor_.check_cancelled();
    monitor_.rows_known(member, fold.split.train.size(), fold.split.held_out.size());
    FoldFit fit = fit_(fold, monitor_.callbacks(worker, member), checkpoint);
    if (fit.loop.interrupted) {
      stopped_ = true;
      return fit;
    }
    monitor_.member_done(member);
    if (checkpoint) checkpoint.finish(state_of_fit(fit));
    return without_encoder(std::move(fit), checkpoint);
  }

  // What is on the disk need not be held until all members are there.
  static FoldFit without_encoder(FoldFit fit, const MemberCheckpoint& checkpoint) {
    if (checkpoint) fit.encoder.clear();
    return fit;
  }

  // `kept`, from member `first` on: what the model is made of.
  HeadTrainingResult result_of(const Fits& fits, const std::vector<Fold>& kept_folds,
                               const Fits& kept, size_t first) {
    HeadTrainingResult result;
    result.interrupted = stopped_;
    std::vector<Fold> members, kept_members;
    finish_result(reached(folds_, fits, members), reached(kept_folds, kept, kept_members),
                  run_.settings, rows_, split_, run_.rates, result);
    keep(kept_folds, kept, first, result);
    return result;
  }

  static TrainedMembers reached(const std::vector<Fold>& folds, const Fits& fits,
                                std::vector<Fold>& members) {
    TrainedMembers found{members, {}};
    for (size_t i = 0; i < fits.size(); ++i)
      if (fits[i]) {
        members.push_back(folds[i]);
        found.fits.push_back(&*fits[i]);
      }
    return found;
  }

  // The median of the best epochs.
  static int best_epochs(const Fits& fits) {
    std::vector<int> epochs;
    for (const auto& fit : fits) epochs.push_back(fit->loop.best.epoch);
    const auto middle = epochs.begin() + static_cast<std::ptrdiff_t>(epochs.size() / 2);
    std::nth_element(epochs.begin(), middle, epochs.end());
    return *middle;
  }

  std::vector<Fold> refit_folds(const Fits& fits) const {
    std::vector<Fold> folds;
    for (int i = 0; i < plan_.seeds; ++i) {
      folds.push_back(
          make_fold(run_.data, run_.head, task_, {folds.size(), 0, seed(i)}, split_.all));
      folds.back().last_epoch = best_epochs(fits);
    }
    return folds;
  }

  void keep(const std::vector<Fold>& folds, const Fits& fits, size_t first,
            HeadTrainingResult& result) const {
    for (size_t i = 0; i < fits.size(); ++i) {
      if (!fits[i]) continue;
      TensorMap encoder = fits[i]->encoder;
      if (encoder.empty() && run_.run.checkpoint)
        if (const auto state = run_.run.checkpoint->finished(first + i))
          encoder = fit_from_state(*state).encoder;
      result.folds.push_back(
          {fits[i]->head, folds[i].inputs, folds[i].scalers, std::move(encoder)});
    }
  }

  const MemberRun& run_;
  const UsedRows& rows_;
  const FitMember& fit_;
  RunSettings plan_;
  TaskPlan task_;
  SplitPlan split_;
  std::vector<Fold> folds_;  // of all members
  Monitor monitor_;
  std::atomic<bool> stopped_{false};
};

}  // namespace

HeadTrainingResult train_members(const MemberRun& run, const UsedRows& rows, const FitMember& fit) {
  return Members(run, rows, fit).run();
}

}  // namespace molrt
