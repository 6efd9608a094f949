#include "train/network_training.h"

#include <map>

#include "train/learn_errors.h"
#include "train/mc_settings.h"
#include "train/members.h"
#include "train/run_settings.h"

namespace molrt {
namespace {

// Below so many parameters one thread updates them sooner than several agree on it.
constexpr size_t threads_worth = 1 << 20;

// What the frozen layers' results may take: those of ESOL's molecules at the official sizes.
constexpr size_t most_kept = size_t{512} << 20;  // bytes

}  // namespace

HeadTrainingResult train_networks(const Model& base, const HeadTrainingData& data,
                                  const TrainingMolecules& molecules, const Settings& settings,
                                  const TrainingRun& run) {
  const NetworkSettings effective = read_network_settings(settings);
  const UsedRows rows = find_used_rows(data, effective.head.task.task,
                                       [&](size_t row) { return data.conformers.count(row) > 0; });
  const DropoutRates rates =
      dropout_rates(settings, base.card().architecture.layers, quiet_layers(base, effective));
  const int passes = held_out_passes(settings, rates);
  Team team(run.threads, precision_of(settings));
  std::map<int, FrozenLayers> frozen_layers_of;  // by the base's fold
  const auto fit = [&](const Fold& fold, const LoopCallbacks& callbacks,
                       MemberCheckpoint& checkpoint) {
    NetworkTrainee trainee(
        base, molecules, fold, effective, team,
        frozen_layers_of.try_emplace(fold.base_fold, most_kept / data.base_folds).first->second);
    LoopSettings loop = loop_settings(fold);
    loop.threads = trainee.encoder_size() < threads_worth ? 1 : run.threads;
    FoldFit fit;
    fit.loop =
        run_loop(trainee, loop, fold.split.train, fold.split.held_out, callbacks, checkpoint);
    fit.head = trainee.head();
    fit.outputs = trainee.predict(predicted_rows(fold));
    sample_held_out(fold, passes, callbacks, fit, [&](uint32_t sample) {
      return trainee.predict_noisy(fold.split.held_out, rates, sample);
    });
    fit.encoder = trainee.encoder_tensors();
    return fit;
  };
  return train_members({data, settings, effective.head, 1, run, rates, passes}, rows, fit);
}

}  // namespace molrt
