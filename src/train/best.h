#pragma once
// The values of the best epoch so far: in memory, or, where they would take much of it, in the
// checkpoint.
#include "train/average.h"
#include "train/checkpoint.h"

namespace molrt {

class BestValues {
 public:
  BestValues(std::span<const TrainedTensor> tensors, MemberCheckpoint& checkpoint);

  void keep(int epoch, std::span<const TrainedTensor> tensors);
  void put(std::span<const TrainedTensor> tensors) const;  // into the tensors

  // For a checkpoint's state: the values held here, none where there are none; the epoch whose file
  // the state needs, 0 if none.
  TensorValues& values() { return values_; }
  int file_epoch() const { return on_disk_ ? epoch_ : 0; }
  void restore(int epoch, std::span<const TrainedTensor> tensors);  // then values() are to be read

 private:
  MemberCheckpoint& checkpoint_;
  bool on_disk_;
  int epoch_ = 0;
  TensorValues values_;
};

Tensor view(std::span<const float> values);  // not copied
Tensor view(std::span<const int64_t> words);
// FORMAT if the tensor is missing or has another size.
void read_tensor(const TensorMap& tensors, const std::string& name, std::span<float> to);
// So many words, or none if there is no such tensor; FORMAT if there are others.
std::vector<int64_t> read_words(const TensorMap& tensors, const std::string& name, size_t size);

}  // namespace molrt
