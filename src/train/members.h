#pragma once
// The networks of a run, one for each fold and seed: each is trained, kept and gone on with by
// itself. What they are, heads or whole networks, is their trainer's business.
#include <functional>

#include "train/checkpoint.h"
#include "train/fold.h"
#include "train/monitor.h"
#include "train/rows.h"

namespace molrt {

// Trains one member, on this worker's thread.
using FitMember = std::function<FoldFit(const Fold& fold, const LoopCallbacks& callbacks,
                                        MemberCheckpoint& checkpoint)>;

struct MemberRun {
  const HeadTrainingData& data;
  const Settings& settings;
  HeadSettings head;
  int parallel;  // members in training at a time
  const TrainingRun& run;
  DropoutRates rates;  // for prediction
  int passes;          // with them over the held-out rows
};

// Trains all members on the rows, and where `refit` is set those that the model is made of, on all
// of them. CANCELLED if it was stopped before any member had finished an epoch; else the result is
// `interrupted` and has those that had.
HeadTrainingResult train_members(const MemberRun& run, const UsedRows& rows, const FitMember& fit);

}  // namespace molrt
