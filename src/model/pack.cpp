#include "model/pack.h"

namespace molrt {

PackedBatch pack(std::span<const Features* const> molecules, const Architecture& architecture,
                 Buffer& pair) {
  PackedBatch batch;
  for (const Features* m : molecules) {
    const AttentionShape shape{m->length(), architecture.width, architecture.heads};
    batch.molecules.push_back({batch.tokens, shape, nullptr});
    batch.tokens += shape.tokens;
  }
  place_pairs(batch, pair.resize(pair_floats(batch)));
  return batch;
}

}  // namespace molrt
