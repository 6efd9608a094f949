#pragma once
// What the runs of a batch have in common (batch_run.cpp, batch_mc.cpp).
#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "model/batch.h"

namespace molrt {

struct Batch::Work {
  // What of a conformer's rows ([length, width], or CLS) the mean is taken of; called for each
  // encoder in turn.
  std::function<void(const Molecule&, const Features&, size_t encoder, const float* rows,
                     std::vector<double>&)>
      values;
  const char* not_finite;  // the message of a conformer whose values are not
  std::function<void(Molecule&, const std::vector<double>& mean)> finish;
  Encoder::Rows rows;
};

template <typename Values>
bool all_finite(const Values& values) {
  return std::all_of(values.begin(), values.end(), [](auto v) { return std::isfinite(v); });
}

inline void lose(Features& features, int32_t status, std::string message) {
  features.status = status;
  features.message = std::move(message);
}

inline void lose_for_memory(Features& features) {
  lose(features, MOLRT_ROW_OUT_OF_MEMORY,
       fmt::format("out of memory in the network, with {} tokens", features.length()));
}

}  // namespace molrt
