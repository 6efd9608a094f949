#pragma once
// A whole network with its card: immutable, shared by any number of threads.
#include <memory>
#include <string>

#include "model/card.h"
#include "model/encoder.h"

namespace molrt {

class Model {
 public:
  // Builds the network from named tensors; `file` names their source in errors.
  Model(ModelCard card, TensorMap tensors, const std::string& file);

  const ModelCard& card() const { return card_; }
  const TensorMap& tensors() const { return tensors_; }
  const Dictionary& dictionary() const { return dictionary_; }
  const Encoder& encoder() const { return *encoder_; }
  const std::vector<Head>& heads() const { return heads_; }  // one a fold
  int64_t parameters() const;  // elements of the tensors that property prediction uses
  uint64_t bytes_read = 0;     // of the file it was opened from

  // The same encoder under new heads and a new card; nothing is copied.
  Model with_heads(ModelCard card, std::vector<Head> heads) const;

  // How molecules are read: hydrogens and the atom limit from the card.
  FeatureOptions feature_options() const;
  // CLS [width] -> what each fold's head says of it, [folds, outputs], in scaled units.
  std::vector<float> scaled_outputs(const float* cls) const;
  // Those, or their means over conformers -> mean and std [outputs] over the folds, in the targets'
  // units; std is the sample standard deviation (n-1), NaN with one fold. Where all folds share one
  // scaler the mean is taken in scaled space and then scaled back, as the peer does (spec: model.md
  // section 4).
  void unscale(const double* scaled, float* mean, float* std) const;

 private:
  Model() = default;
  ModelCard card_;
  TensorMap tensors_;
  Dictionary dictionary_;
  std::shared_ptr<const Encoder> encoder_;
  std::vector<Head> heads_;
};

// Tensors of pre-training heads: stored along, never used for properties.
bool is_pretraining_tensor(const std::string& name);
// "classification_head.out_proj.weight" of a single head; of fold k of several
// "folds.k.classification_head.out_proj.weight".
std::string fold_prefix(int fold, int folds);
// The head of one fold and the tensors that store it.
Head read_head(const Weights& weights, const std::string& prefix, int width);
void write_head(const Head& head, const std::string& prefix, TensorMap& tensors);

}  // namespace molrt
