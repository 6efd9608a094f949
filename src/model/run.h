#pragma once
// Many molecules through the encoder on all threads.
#include <functional>
#include <span>

#include "model/model.h"

namespace molrt {

struct EncoderRun {
  int threads = 1;
  int batch_size = 0;  // most molecules of a pass; 0: as many as fit
  Precision precision = Precision::f32;
  Encoder::Rows rows = Encoder::Rows::all;
  // From any worker, for each of the model's encoders: the molecule's index and its rows [length,
  // width], or CLS [width]. Where memory runs out halfway, it is called again for the same molecule
  // and encoder.
  std::function<void(size_t molecule, size_t encoder, const float* rows)> consume;
  // From any worker: memory for this molecule could not be had.
  std::function<void(size_t molecule)> failed;
  // From the calling thread between passes: molecules done so far; true stops (CANCELLED).
  std::function<bool(size_t done)> progress;
};

// The bytes of a molecule's rows depend on nothing but the molecule.
void run_encoder(const Model& model, std::span<const Features* const> molecules,
                 const EncoderRun& run);

}  // namespace molrt
