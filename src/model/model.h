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
  // Folds that share all weights but their heads share one encoder; else there are several.
  size_t encoders() const { return encoders_.size(); }
  const Encoder& encoder(size_t index = 0) const { return *encoders_[index]; }
  const std::vector<Head>& heads() const { return heads_; }  // one a fold
  size_t encoder_of_fold(size_t fold) const { return encoder_of_fold_[fold]; }
  std::vector<size_t> folds_of_encoder(size_t index) const;
  // The tensors of one encoder, under plain names, and of what they stand beside in its fold.
  TensorMap encoder_tensors(size_t index) const;
  // UNSUPPORTED where there are several: representations of different encoders have no mean.
  void require_one_encoder() const;
  int64_t parameters() const;  // elements of the tensors that property prediction uses
  uint64_t bytes_read = 0;     // of the file it was opened from

  // The one encoder under new heads and a new card; nothing is copied.
  Model with_heads(ModelCard card, std::vector<Head> heads) const;

  // How molecules are read: hydrogens and the atom limit from the card.
  FeatureOptions feature_options() const;

  // A prediction in two steps, so that what lies between them can be averaged over conformers.
  // 1. CLS [width] of one encoder, and what stands beside it, unscaled [card().inputs.size()] ->
  //    `scaled` [folds, outputs]: the rows of the folds that have this encoder are assigned, in the
  //    units that the heads were trained on, or as probabilities.
  void scaled_outputs(size_t encoder, const float* cls, double* scaled,
                      const float* inputs = nullptr) const;
  // The same with the head's dropout; `dropout` has one molecule.
  void noisy_outputs(size_t encoder, const float* cls, const HeadDropout& dropout, double* scaled,
                     const float* inputs = nullptr) const;
  // One fold's row of it, [outputs].
  void fold_outputs(size_t fold, const float* cls, double* scaled,
                    const float* inputs = nullptr) const;
  // What a fold's head reads, [card().head_width()].
  std::vector<float> head_input(size_t fold, const float* cls, const float* inputs) const;
  size_t scaled_size() const { return heads_.size() * card_.targets.size(); }
  // 2. scaled -> mean and std [outputs] over the folds, in the targets' units; std is the sample
  //    standard deviation (n-1), NaN with one fold. Where all folds share one scaler the mean is
  //    taken in scaled space and then scaled back, as the peer does (spec: model.md section 4).
  void finish(const double* scaled, float* mean, float* std) const;

 private:
  Model() = default;

  ModelCard card_;
  TensorMap tensors_;
  Dictionary dictionary_;
  std::vector<std::shared_ptr<const Encoder>> encoders_;
  std::vector<size_t> encoder_of_fold_;  // [folds]
  std::vector<Head> heads_;
};

// The head and the tensors that store it, under plain names. `inputs` numbers stand beside CLS
// [width]; a pooled head's hidden layer has CLS's width.
Head read_head(const Weights& weights, int width, int inputs = 0);
void write_head(const Head& head, TensorMap& tensors);

}  // namespace molrt
