#include "pretrain/heads.h"

#include <algorithm>

namespace molrt {
namespace {

constexpr const char* final_head_norm = "encoder.final_head_layer_norm";
constexpr const char* supervised_prefix = "supervised_head.";

std::string supervised_name(size_t i) {
  const std::string name = head_tensor_names[i];
  return supervised_prefix + name.substr(name.find('.') + 1);
}

// W ~ N(0, .02), as the encoder's.
Tensor normal_tensor(std::vector<int64_t> shape, PhiloxKey key, uint32_t stream) {
  std::vector<float> values(static_cast<size_t>(shape[0] * shape[1]));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(
        .02 * random_normal(key, stream, 1, random_purpose(Purpose::initialise), i));
  return make_tensor(std::move(shape), std::move(values));
}

Tensor constant_tensor(int64_t size, float value) {
  return make_tensor({size}, std::vector<float>(static_cast<size_t>(size), value));
}

class HeadMaker {
 public:
  HeadMaker(TensorMap tensors, uint64_t seed)
      : key_(random_key(seed, 0)), tensors_(std::move(tensors)) {}
  void linear(const std::string& name, int64_t inputs, int64_t outputs) {
    add(name + ".weight", normal_tensor({outputs, inputs}, key_, stream_++));
    add(name + ".bias", constant_tensor(outputs, 0));
  }
  void norm(const std::string& name, int64_t width) {
    add(name + ".weight", constant_tensor(width, 1));
    add(name + ".bias", constant_tensor(width, 0));
  }
  TensorMap take() { return std::move(tensors_); }

 private:
  void add(const std::string& name, Tensor tensor) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end() || found->second.shape != tensor.shape)
      tensors_[name] = std::move(tensor);
  }
  PhiloxKey key_;
  uint32_t stream_ = 0;
  TensorMap tensors_;
};

Head read_supervised(const TensorMap& tensors, const Architecture& a, size_t tasks) {
  Head head = make_head(HeadKind::pooled, a.width, static_cast<int>(tasks));
  if (tasks == 0) return head;
  const auto parts = parameters(head);
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::vector<float> values = to_f32(tensors.at(supervised_name(i)));
    std::copy(values.begin(), values.end(), parts[i].begin());
  }
  return head;
}

}  // namespace

TensorMap without_supervised(const TensorMap& tensors) {
  TensorMap rest;
  for (const auto& [name, tensor] : tensors)
    if (!name.starts_with(supervised_prefix)) rest.emplace(name, tensor);
  return rest;
}

TensorMap with_pretraining_heads(const TensorMap& tensors, const Architecture& a, size_t tasks,
                                 uint64_t seed) {
  HeadMaker maker(tensors, seed);
  maker.linear("lm_head.dense", a.width, a.width);
  maker.norm("lm_head.layer_norm", a.width);
  maker.linear("lm_head", a.width, a.vocabulary);
  maker.norm(final_head_norm, a.heads);
  maker.linear("pair2coord_proj.linear1", a.heads, a.heads);
  maker.linear("pair2coord_proj.linear2", a.heads, 1);
  maker.linear("dist_head.dense", a.heads, a.heads);
  maker.norm("dist_head.layer_norm", a.heads);
  maker.linear("dist_head.out_proj", a.heads, 1);
  if (tasks > 0) {
    maker.linear("supervised_head.dense", a.width, a.width);
    maker.linear("supervised_head.out_proj", a.width, static_cast<int64_t>(tasks));
  }
  return maker.take();
}

SupervisedHead::SupervisedHead(const TensorMap& tensors, const Architecture& a, size_t tasks)
    : head_(read_supervised(tensors, a, tasks)),
      gradient_(make_head(HeadKind::pooled, a.width, static_cast<int>(tasks))) {}

void SupervisedHead::forward(std::span<const uint32_t> ids, const float* cls, float* outputs) {
  head_forward_training(head_, cls, {0, 0, 0, ids, 0}, activations_, outputs);
}

void SupervisedHead::backward(std::span<const uint32_t> ids, const float* d_outputs, float* d_cls) {
  head_backward(head_, {0, 0, 0, ids, 0}, activations_, d_outputs, gradient_, d_cls);
}

std::vector<TrainedTensor> SupervisedHead::tensors() {
  std::vector<TrainedTensor> tensors;
  if (head_.outputs == 0) return tensors;
  const auto values = parameters(head_), gradients = parameters(gradient_);
  for (size_t i = 0; i < values.size(); ++i)
    tensors.push_back({supervised_name(i), values[i], gradients[i]});
  return tensors;
}

void SupervisedHead::copy_tensors(TensorMap& to) const {
  if (head_.outputs == 0) return;
  Head head = head_;
  const auto parts = parameters(head);
  const int64_t width = head.width, hidden = head.hidden, tasks = head.outputs;
  const std::vector<int64_t> shapes[] = {{hidden, width}, {hidden}, {tasks, hidden}, {tasks}};
  for (size_t i = 0; i < parts.size(); ++i)
    to[supervised_name(i)] = make_tensor(shapes[i], {parts[i].begin(), parts[i].end()});
}

PretrainHeads::PretrainHeads(const Parameters& p, const TensorMap& tensors, const Architecture& a,
                             size_t tasks)
    : token(p, {"lm_head.dense", "lm_head.layer_norm", "lm_head"}, a.width, a.width, a.vocabulary),
      coordinate(p, {"pair2coord_proj.linear1", "", "pair2coord_proj.linear2"}, a.heads, a.heads,
                 1),
      distance(p, {"dist_head.dense", "dist_head.layer_norm", "dist_head.out_proj"}, a.heads,
               a.heads, 1),
      pair_norm(p, final_head_norm, a.heads),
      supervised(tensors, a, tasks) {}

}  // namespace molrt
