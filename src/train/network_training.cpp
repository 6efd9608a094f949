#include "train/network_training.h"

#include <limits>

#include "train/monitor.h"
#include "train/report.h"
#include "train/rows.h"

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
        rows_(find_used_rows(data, [&](size_t row) { return data.conformers.count(row) > 0; })),
        folds_(make_folds(data, settings_.head, rows_.used)) {}

  NetworkTrainingResult run(Monitor& monitor) {
    NetworkTrainingResult result;
    result.heads.held_out.assign(data_.values.size(), std::numeric_limits<float>::quiet_NaN());
    std::vector<FoldFit> fits;
    for (const Fold& fold : folds_) fits.push_back(run_fold(fold, monitor, result));
    result.heads.report =
        training_report(data_, all_settings_, rows_, folds_, fits, result.heads.held_out);
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
    predict_held_out(fold, trainee, result.heads.held_out);
    result.encoders.push_back(trainee.encoder_tensors());
    result.heads.folds.push_back({fit.head, fold.inputs, fold.scalers});
    return fit;
  }

  void predict_held_out(const Fold& fold, NetworkTrainee& trainee, std::vector<float>& held_out) {
    const auto count = static_cast<size_t>(data_.targets);
    const std::vector<double> scaled = trainee.predict(fold.split.held_out);
    for (size_t i = 0; i < fold.split.held_out.size(); ++i)
      for (size_t t = 0; t < count; ++t)
        held_out[fold.split.held_out[i] * count + t] =
            static_cast<float>(fold.scalers[t].inverse(scaled[i * count + t]));
  }

  const Model& base_;
  const HeadTrainingData& data_;
  const TrainingMolecules& molecules_;
  const Settings& all_settings_;
  NetworkSettings settings_;
  int threads_;
  Team team_;
  UsedRows rows_;
  std::vector<Fold> folds_;
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
