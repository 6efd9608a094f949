#include "train/best.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace molrt {
namespace {

constexpr size_t most_in_memory = size_t{32} << 20;  // bytes

size_t bytes_of(std::span<const TrainedTensor> tensors) {
  size_t bytes = 0;
  for (const TrainedTensor& t : tensors) bytes += t.value.size_bytes();
  return bytes;
}

}  // namespace

Tensor view(std::span<const float> values) {
  return tensor_at(Dtype::f32, {static_cast<int64_t>(values.size())}, values.data(), nullptr);
}

Tensor view(std::span<const int64_t> words) {
  return tensor_at(Dtype::i64, {static_cast<int64_t>(words.size())}, words.data(), nullptr);
}

std::vector<int64_t> read_words(const TensorMap& tensors, const std::string& name, size_t size) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return {};
  const Tensor& t = found->second;
  if (t.dtype != Dtype::i64 || t.count() != size)
    fail(MOLRT_ERROR_FORMAT, "the checkpoint's tensor '{}' is not of {} words", name, size);
  std::vector<int64_t> words(size);
  std::memcpy(words.data(), t.hold().get(), t.bytes());
  return words;
}

void read_tensor(const TensorMap& tensors, const std::string& name, std::span<float> to) {
  if (to.empty()) return;
  const auto found = tensors.find(name);
  if (found == tensors.end() || found->second.count() != to.size())
    fail(MOLRT_ERROR_FORMAT, "the checkpoint's tensor '{}' is missing or has another size", name);
  const std::vector<float> values = to_f32(found->second);
  std::copy(values.begin(), values.end(), to.begin());
}

BestValues::BestValues(std::span<const TrainedTensor> tensors, MemberCheckpoint& checkpoint)
    : checkpoint_(checkpoint), on_disk_(checkpoint && bytes_of(tensors) > most_in_memory) {}

void BestValues::keep(int epoch, std::span<const TrainedTensor> tensors) {
  epoch_ = epoch;
  if (!on_disk_) {
    values_ = copy_values(tensors);
    return;
  }
  TensorMap values;
  for (const TrainedTensor& t : tensors)
    if (!t.value.empty()) values[t.name] = view(t.value);
  checkpoint_.save_best(epoch, values);
}

void BestValues::put(std::span<const TrainedTensor> tensors) const {
  if (!on_disk_) return put_values(values_, tensors);
  const TensorMap values = checkpoint_.best(epoch_);
  for (const TrainedTensor& t : tensors) read_tensor(values, t.name, t.value);
}

void BestValues::restore(int epoch, std::span<const TrainedTensor> tensors) {
  epoch_ = epoch;
  if (!on_disk_) values_ = copy_values(tensors);
}

}  // namespace molrt
