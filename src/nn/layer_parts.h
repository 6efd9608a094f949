#pragma once
// How a trainable layer's operations are cut into parts for its threads.
#include <algorithm>
#include <functional>

#include "nn/encoder_layer.h"
#include "nn/noise.h"
#include "nn/team.h"

namespace molrt {

// values [rows, columns] of the batch, each molecule's with its own mask; rate 0 does nothing.
inline void drop_rows(Team& team, const PackedBatch& batch, const EncoderNoise& noise, double rate,
                      uint32_t site, int columns, float* values) {
  if (rate == 0) return;
  team.share(batch.molecules.size(), [&](size_t m, Workspace&) {
    const PackedBatch::Molecule& molecule = batch.molecules[m];
    dropout_apply(*noise.stream(rate, site, m), 0, size_t(molecule.shape.tokens) * columns,
                  values + molecule.first_token * columns);
  });
}

// body(first, count) over parts of [0, count).
inline void share_values(Team& team, size_t count,
                         const std::function<void(size_t, size_t)>& body) {
  constexpr size_t part = 1 << 14;
  team.share((count + part - 1) / part,
             [&](size_t i, Workspace&) { body(i * part, std::min(part, count - i * part)); });
}

// x [count] += y
inline void add_values(Team& team, const float* y, size_t count, float* x) {
  share_values(team, count, [&](size_t first, size_t n) {
    for (size_t i = first; i < first + n; ++i) x[i] += y[i];
  });
}

// Where each molecule's pair matrices begin among all.
inline size_t pair_offset(const PackedBatch& batch, size_t molecule) {
  return batch.molecules[molecule].pair - batch.molecules[0].pair;
}

// body(molecule, head, noise, workspace) for every head of every molecule in layer `index`.
template <typename Body>
void share_heads(Team& team, const PackedBatch& batch, const EncoderNoise& noise, int index,
                 const Body& body) {
  const size_t heads = batch.molecules[0].shape.heads;
  team.share(batch.molecules.size() * heads, [&](size_t part, Workspace& w) {
    const size_t m = part / heads;
    const auto dropout = noise.stream(noise.attention, layer_site(index, site_attention), m);
    const AttentionNoise own{dropout ? &*dropout : nullptr, noise.dropped(index, m)};
    body(m, static_cast<int>(part % heads), own, w);
  });
}

}  // namespace molrt
