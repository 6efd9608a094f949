#pragma once
// A small network with three molecules, for the tests of the encoder in training.
#include <gtest/gtest.h>

#include "chem/conformer.h"
#include "model/initialise.h"
#include "nn/noise.h"
#include "support/oracle.h"

namespace molrt::test {

struct Net {
  Architecture architecture;
  Model model;
  std::vector<Features> molecules;
  std::vector<uint32_t> ids;

  explicit Net(PairKernel kernel)
      : architecture{kernel, 2, 24, 30, 3, official_architecture(kernel).vocabulary},
        model(make_model(architecture)) {
    for (const char* smiles : {"CO", "NC(Cl)=O", "O=S"}) {
      molecules.push_back(make_features(make_conformer(smiles, {}).conformer, model.dictionary(),
                                        model.feature_options()));
      ids.push_back(100 + static_cast<uint32_t>(ids.size()));
    }
  }

  static Model make_model(const Architecture& a) {
    const Model untrained = initialise_model(a, Hydrogens::all, TokenLayout::file_order, 3);
    return Model(untrained.card(), perturbed(untrained.tensors(), .1), "perturbed");
  }
  EncoderNoise noise(double embedding, double attention, double activation, double residual) const {
    return {embedding, attention, activation, residual, {5, 9}, random_purpose(Purpose::train),
            ids};
  }
  AttentionShape shape(size_t molecule) const {
    return {molecules[molecule].length(), architecture.width, architecture.heads};
  }
  std::vector<const Features*> batch() const {
    std::vector<const Features*> list;
    for (const Features& f : molecules) list.push_back(&f);
    return list;
  }
};

// Keys that every layer drops at random, with `share` of all.
inline DroppedKeys random_dropped_keys(const Net& net, double share) {
  DroppedKeys dropped{std::vector<std::vector<KeyMask>>(net.architecture.layers)};
  for (int layer = 0; layer < net.architecture.layers; ++layer)
    for (size_t m = 0; m < net.molecules.size(); ++m) {
      const AttentionShape shape = net.shape(m);
      const std::vector<float> alike(shape.head_pairs());
      KeyMask& mask = dropped.layers[layer].emplace_back(shape.mask_size());
      for (int head = 0; head < shape.heads; ++head)
        drop_by_coins(shape, head, alike.data(), share, 1, {{3, 4}, net.ids[m], layer, 0},
                      mask.data() + head * shape.tokens * shape.mask_stride());
    }
  return dropped;
}

// A batch's noise as that of one of its molecules, alone.
class MoleculeNoise {
 public:
  MoleculeNoise(const EncoderNoise& noise, size_t molecule) : noise_(noise) {
    noise_.molecules = noise.molecules.subspan(molecule, 1);
    if (!noise.dropped_keys) return;
    for (const auto& layer : noise.dropped_keys->layers) keys_.layers.push_back({layer[molecule]});
    noise_.dropped_keys = &keys_;
  }
  MoleculeNoise(const MoleculeNoise&) = delete;  // the noise points into it
  MoleculeNoise& operator=(const MoleculeNoise&) = delete;
  const EncoderNoise& get() const { return noise_; }

 private:
  EncoderNoise noise_;
  DroppedKeys keys_;
};

}  // namespace molrt::test
