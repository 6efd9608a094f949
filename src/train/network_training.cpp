#include "train/network_training.h"

#include "train/monitor.h"
#include "train/report.h"
#include "train/rows.h"
#include "train/unseen.h"

namespace molrt {
namespace {

class Training {
 public:
  Training(const Model& base, const HeadTrainingData& data, const TrainingMolecules& molecules,
           const Settings& settings, int threads)
      : base_(base),
        data_(data),
        molecules_(molecules),
        all_settings_(settings),
        settings_(read_network_settings(settings)),
        threads_(threads),
        team_(threads),
        rows_(find_used_rows(data, [&](size_t row) { return molecules[row] != nullptr; })),
        plan_(plan_split(data, settings_.head.split, rows_.used)),
        folds_(make_folds(data, settings_.head, plan_)),
        unseen_(data) {}

  NetworkTrainingResult run(Monitor& monitor) {
    NetworkTrainingResult result;
    std::vector<FoldFit> fits;
    for (const Fold& fold : folds_) fits.push_back(run_fold(fold, monitor, result));
    result.heads.held_out = unseen_.take();
    result.heads.parts = plan_.parts;
    result.heads.report =
        training_report(data_, all_settings_, rows_, plan_, folds_, fits, result.heads.held_out);
    return result;
  }

 private:
  FoldFit run_fold(const Fold& fold, Monitor& monitor, NetworkTrainingResult& result) {
    NetworkTrainee trainee(base_, molecules_, fold, settings_, team_);
    LoopSettings loop = loop_settings(settings_.head, fold.index);
    loop.threads = threads_;
    FoldFit fit;
    fit.loop = run_loop(
        trainee, loop, fold.split.train, fold.split.held_out,
        [&](int epoch, double train_loss, double valid_loss) {
          monitor.epoch_done(0, fold.index, epoch, train_loss, valid_loss);
        },
        [&] { monitor.check_cancelled(); });
    fit.head = trainee.head();
    unseen_.add(fold, [&](const auto& rows) { return trainee.predict(rows); });
    result.encoders.push_back(trainee.encoder_tensors());
    result.heads.folds.push_back({fit.head, fold.scalers});
    return fit;
  }

  const Model& base_;
  const HeadTrainingData& data_;
  const TrainingMolecules& molecules_;
  const Settings& all_settings_;
  NetworkSettings settings_;
  int threads_;
  Team team_;
  UsedRows rows_;
  SplitPlan plan_;
  std::vector<Fold> folds_;
  UnseenPredictions unseen_;
};

}  // namespace

NetworkTrainingResult train_networks(const Model& base, const HeadTrainingData& data,
                                     const TrainingMolecules& molecules, const Settings& settings,
                                     int threads, const TrainingCallback& progress,
                                     const CancelFlag& cancelled) {
  Training training(base, data, molecules, settings, threads);
  Monitor monitor(read_head_settings(settings), progress, cancelled);
  return training.run(monitor);
}

}  // namespace molrt
