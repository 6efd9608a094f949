#include "train/network_training.h"

#include "train/members.h"

namespace molrt {

HeadTrainingResult train_networks(const Model& base, const HeadTrainingData& data,
                                  const TrainingMolecules& molecules, const Settings& settings,
                                  const TrainingRun& run) {
  const NetworkSettings effective = read_network_settings(settings);
  const UsedRows rows = find_used_rows(data, effective.head.task.task,
                                       [&](size_t row) { return data.conformers.count(row) > 0; });
  Team team(run.threads);
  const auto fit = [&](const Fold& fold, const LoopCallbacks& callbacks,
                       MemberCheckpoint& checkpoint) {
    NetworkTrainee trainee(base, molecules, fold, effective, team);
    LoopSettings loop = loop_settings(fold);
    loop.threads = run.threads;
    FoldFit fit;
    fit.loop =
        run_loop(trainee, loop, fold.split.train, fold.split.held_out, callbacks, checkpoint);
    fit.head = trainee.head();
    fit.outputs = trainee.predict(predicted_rows(fold));
    fit.encoder = trainee.encoder_tensors();
    return fit;
  };
  return train_members({data, settings, effective.head, 1, run}, rows, fit);
}

}  // namespace molrt
