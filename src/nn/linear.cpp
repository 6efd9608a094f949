#include "nn/linear.h"

#include <algorithm>

namespace molrt {

Linear::Linear(const Weights& weights, const std::string& name, int inputs, int outputs,
               Epilogue epilogue)
    : inputs_(inputs),
      outputs_(outputs),
      epilogue_(epilogue),
      lazy_(std::make_unique<std::array<Lazy, 3>>()) {
  weight_ = weights.check(name + ".weight", {outputs, inputs});
  bias_ = weights.get(name + ".bias", {outputs});
}

const PackedMatrix& Linear::packed(Precision precision) const {
  Lazy& lazy = (*lazy_)[static_cast<size_t>(precision) - 1];
  std::call_once(lazy.once, [&] {
    lazy.matrix.emplace(FloatView(weight_).values(), bias_, inputs_, outputs_, epilogue_,
                        Product::forward, precision);
    weight_.drop();
  });
  return *lazy.matrix;
}

void Linear::multiply(Team& team, const float* x, size_t rows, float* y, int first) const {
  const PackedMatrix& matrix = packed(team.precision());
  share(team, matrix, matrix.blocks_before(first), matrix.blocks(), x, rows, y);
}

void Linear::multiply_to(Team& team, const float* x, size_t rows, float* y, int last) const {
  const PackedMatrix& matrix = packed(team.precision());
  share(team, matrix, 0, matrix.blocks_to(last), x, rows, y);
}

void Linear::share(Team& team, const PackedMatrix& matrix, size_t first, size_t last,
                   const float* x, size_t rows, float* y) const {
  const size_t blocks = last - first, parts = std::min<size_t>(blocks, team.size());
  team.share(parts, [&](size_t part, Workspace& w) {
    matrix.multiply(first + part * blocks / parts, first + (part + 1) * blocks / parts, x, rows, y,
                    w.matmul);
  });
}

}  // namespace molrt
