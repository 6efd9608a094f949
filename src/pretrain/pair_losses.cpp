// Distances and coordinates: what is predicted of pairs.
#include <cmath>

#include "pretrain/part.h"

namespace molrt {

// pairs -> rows [pair_rows, heads]
void PretrainPart::gather(const float* pairs, bool from_chosen, float* rows) {
  each_molecule([&](size_t m) {
    each_pair(m, from_chosen, [&](size_t row, size_t offset, size_t step) {
      for (size_t h = 0; h < heads(); ++h) rows[row * heads() + h] = pairs[offset + h * step];
    });
  });
}

// Added.
void PretrainPart::scatter(const float* rows, bool from_chosen, float sign, float* pairs) {
  each_molecule([&](size_t m) {
    each_pair(m, from_chosen, [&](size_t row, size_t offset, size_t step) {
      for (size_t h = 0; h < heads(); ++h)
        pairs[offset + h * step] += sign * rows[row * heads() + h];
    });
  });
}

// Both h(chosen, j) and h(j, chosen), one behind the other.
void PretrainPart::distances(bool learn) {
  OutputHead& head = e_.heads.distance;
  float* rows = head.inputs(2 * pair_rows_);
  gather(ends_.last_pairs, true, rows);
  gather(ends_.last_pairs, false, rows + pair_rows_ * heads());
  const float* h = head.forward(e_.team);
  float* d_h = head.output_gradients();
  each_molecule([&](size_t m) { distance_losses(m, h, d_h); });
  if (!learn) return;
  const float* d_rows = head.backward(e_.team);
  scatter(d_rows, true, 1, d_last_);
  scatter(d_rows + pair_rows_ * heads(), false, 1, d_last_);
}

void PretrainPart::distance_losses(size_t m, const float* h, float* d_h) {
  const MaskedMolecule& molecule = items_[m].molecule;
  size_t row = first_pair_row_[m];
  for (const int32_t c : molecule.chosen)
    for (int j = 0; j < molecule.noised.length(); ++j, ++row) {
      const double distance = pair_distance(&molecule.clean[3 * c], &molecule.clean[3 * j]);
      const double found = .5 * (double{h[row]} + h[pair_rows_ + row]);
      const double error = found - (distance - distance_mean) / distance_deviation;
      sums_[m].add(PretrainLoss::distance, smooth_l1(error));
      sums_[m].distance_error += std::fabs(error) * distance_deviation;
      const double slope = .5 * factor(PretrainLoss::distance) * smooth_l1_slope(error);
      d_h[row] = d_h[pair_rows_ + row] = static_cast<float>(slope);
    }
}

void PretrainPart::coordinates(bool learn) {
  const size_t floats = padded_rows(pair_rows_) * heads();
  float* change = e_.change.zeros(floats);
  gather_change(change);
  float* rows = e_.heads.coordinate.inputs(pair_rows_);
  e_.heads.pair_norm.forward(e_.team, change, pair_rows_, rows);
  const float* w = e_.heads.coordinate.forward(e_.team);
  float* d_w = e_.heads.coordinate.output_gradients();
  each_molecule([&](size_t m) { coordinate_losses(m, w, d_w); });
  if (!learn) return;
  const float* d_rows = e_.heads.coordinate.backward(e_.team);
  float* d_change = e_.d_change.zeros(floats);
  e_.heads.pair_norm.backward(e_.team, change, d_rows, pair_rows_, d_change,
                              e_.statistics.resize(2 * padded_rows(pair_rows_)));
  scatter(d_change, true, 1, d_last_);
  scatter(d_change, true, -1, d_first_);
}

// The last pair representation minus the first bias.
void PretrainPart::gather_change(float* change) {
  each_molecule([&](size_t m) {
    each_pair(m, true, [&](size_t row, size_t offset, size_t step) {
      for (size_t h = 0; h < heads(); ++h, offset += step)
        change[row * heads() + h] = ends_.last_pairs[offset] - ends_.first_pairs[offset];
    });
  });
}

// x_i' = x_i + sum_j (x_j - x_i) w_ij / N
void PretrainPart::coordinate_losses(size_t m, const float* w, float* d_w) {
  const MaskedMolecule& molecule = items_[m].molecule;
  const int n = molecule.noised.length();
  const float* x = molecule.noised.coordinates.data();
  size_t row = first_pair_row_[m];
  for (const int32_t i : molecule.chosen) {
    double slope[3];
    for (int axis = 0; axis < 3; ++axis) {
      double moved = 0;
      for (int j = 0; j < n; ++j) moved += (double{x[3 * j + axis]} - x[3 * i + axis]) * w[row + j];
      const double error = x[3 * i + axis] + moved / n - molecule.clean[3 * i + axis];
      sums_[m].add(PretrainLoss::coordinate, smooth_l1(error));
      sums_[m].coordinate_error += std::fabs(error);
      slope[axis] = factor(PretrainLoss::coordinate) * smooth_l1_slope(error) / n;
    }
    for (int j = 0; j < n; ++j, ++row) {
      double d = 0;
      for (int axis = 0; axis < 3; ++axis)
        d += slope[axis] * (double{x[3 * j + axis]} - x[3 * i + axis]);
      d_w[row] = static_cast<float>(d);
    }
  }
}

}  // namespace molrt
