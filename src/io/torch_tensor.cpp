#include "io/torch_tensor.h"

#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace molrt {
namespace {

constexpr size_t most_dimensions = 8;

// The callable that would make an object, or null.
const PickleNode* callable_of(const Pickle& pickle, const PickleNode& node) {
  if (node.kind != PickleKind::object) return nullptr;
  const PickleNode& callable = pickle.node(node.callable);
  return callable.kind == PickleKind::global ? &callable : nullptr;
}

bool is_torch_utility(const PickleNode* global, std::string_view name) {
  return global && global->module == "torch._utils" && global->text == name;
}

// offset + sum((size - 1) * stride), the last element's place; empty if it overflows.
std::optional<int64_t> last_element(int64_t offset, const std::vector<int64_t>& shape,
                                    const std::vector<int64_t>& strides) {
  int64_t last = offset, step;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (__builtin_mul_overflow(shape[i] - 1, strides[i], &step)) return {};
    if (__builtin_add_overflow(last, step, &last)) return {};
  }
  return last;
}

std::optional<int64_t> product(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(count, size, &count)) return {};
  }
  return count;
}

bool is_contiguous(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  int64_t expected = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

// Steps to the next index in row-major order and moves `place` along.
void advance(std::vector<int64_t>& index, int64_t& place, const std::vector<int64_t>& shape,
             const std::vector<int64_t>& strides) {
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 1) continue;  // its stride was never checked
    place += strides[i];
    if (++index[i] < shape[i]) return;
    place -= index[i] * strides[i];
    index[i] = 0;
  }
}

}  // namespace

// How a tensor lies in its storage; offset and strides in elements.
struct TorchTensorReader::Layout {
  StorageReference storage;
  int64_t offset = 0;
  std::vector<int64_t> shape, strides;
  int64_t count = 0;
};

std::optional<Tensor> TorchTensorReader::read(const std::string& name, const PickleNode& value) {
  const Pickle& pickle = archive_.pickle;
  const PickleNode* node = &value;
  if (is_torch_utility(callable_of(pickle, *node), "_rebuild_parameter")) {
    const auto& arguments = pickle.node(node->arguments).items;
    if (arguments.empty()) broken(name, "a parameter without data");
    node = &pickle.node(arguments.front());
  }
  const PickleNode* callable = callable_of(pickle, *node);
  if (!is_torch_utility(callable, "_rebuild_tensor_v2")) {
    if (callable && callable->module.starts_with("torch") &&
        callable->text.starts_with("_rebuild")) {
      unsupported(name,
                  "made by " + in_quotes(callable->text) + "; expected a plain, dense tensor");
    }
    return {};
  }
  const Layout layout = read_layout(name, pickle.node(node->arguments));
  const StorageType& type = *layout.storage.type;
  if (!type.dtype && type.whole_numbers) return {};
  if (!type.dtype) unsupported(name, "stored as " + in_quotes(type.name));
  const StorageRange& range = find_storage(name, layout.storage);
  const bool in_order = layout.count == 0 || is_contiguous(layout.shape, layout.strides);
  return in_order ? contiguous(layout, range) : copy(name, layout, range);
}

TorchTensorReader::Layout TorchTensorReader::read_layout(const std::string& name,
                                                         const PickleNode& arguments) {
  const Pickle& pickle = archive_.pickle;
  if (arguments.items.size() < 4) broken(name, "expected storage, offset, size and stride");
  const auto argument = [&](size_t i) -> const PickleNode& {
    return pickle.node(arguments.items[i]);
  };
  Layout layout;
  const auto storage = as_storage(pickle, argument(0));
  if (!storage) broken(name, "expected a storage");
  layout.storage = *storage;
  if (!storage->type) unsupported(name, "stored as " + in_quotes(storage->class_name));
  if (storage->is_view) unsupported(name, "a view of a storage of torch before 1.6; re-save it");
  if (argument(1).kind != PickleKind::integer) broken(name, "expected an integer as offset");
  layout.offset = argument(1).integer;
  layout.shape = read_integers(name, argument(2));
  layout.strides = read_integers(name, argument(3));
  check_layout(name, layout);
  layout.count = *product(layout.shape);
  return layout;
}

std::vector<int64_t> TorchTensorReader::read_integers(const std::string& name,
                                                      const PickleNode& tuple) {
  if (tuple.kind != PickleKind::tuple) broken(name, "expected a tuple of sizes or strides");
  if (tuple.items.size() > most_dimensions) unsupported(name, "more than 8 dimensions");
  std::vector<int64_t> integers;
  for (const PickleId id : tuple.items) {
    const PickleNode& item = archive_.pickle.node(id);
    if (item.kind != PickleKind::integer || item.integer < 0) {
      broken(name, "a size or stride that is no integer from 0 on");
    }
    integers.push_back(item.integer);
  }
  return integers;
}

void TorchTensorReader::check_layout(const std::string& name, const Layout& layout) {
  const auto& [storage, offset, shape, strides, count] = layout;
  if (shape.size() != strides.size()) broken(name, "as many strides as sizes expected");
  const auto elements = product(shape);
  if (!elements) broken(name, "shape " + shape_text(shape) + " overflows");
  if (offset < 0 || offset > storage.count) broken(name, "begins outside of its storage");
  if (*elements == 0) return;
  const auto last = last_element(offset, shape, strides);
  if (last && *last < storage.count) return;
  broken(name, fmt::format("shape {} with strides {} from {} on leaves its storage of {} elements",
                           shape_text(shape), shape_text(strides), offset, storage.count));
}

const StorageRange& TorchTensorReader::find_storage(const std::string& name,
                                                    const StorageReference& storage) {
  const auto found = archive_.storages.find(storage.key);
  if (found == archive_.storages.end()) broken(name, "no storage " + in_quotes(storage.key));
  int64_t expected;
  const bool overflow = __builtin_mul_overflow(storage.count, storage.type->item_size, &expected);
  if (overflow || static_cast<uint64_t>(expected) != found->second.size) {
    broken(name, fmt::format("storage {} has {} bytes, expected {} elements of {} bytes",
                             in_quotes(storage.key), found->second.size, storage.count,
                             storage.type->item_size));
  }
  return found->second;
}

Tensor TorchTensorReader::contiguous(const Layout& layout, const StorageRange& range) {
  const int64_t item_size = layout.storage.type->item_size;
  const uint64_t begin = range.offset + static_cast<uint64_t>(layout.offset * item_size);
  return {*layout.storage.type->dtype, layout.shape,
          source_.take(begin, static_cast<uint64_t>(layout.count * item_size), "tensor")};
}

Tensor TorchTensorReader::copy(const std::string& name, const Layout& layout,
                               const StorageRange& range) {
  const auto item_size = static_cast<size_t>(layout.storage.type->item_size);
  const std::string advice = "; save it with .contiguous()";
  // Strides of 0 and shared storages could make much memory of few bytes.
  if (layout.count > layout.storage.count) unsupported(name, "larger than its storage" + advice);
  const size_t size = static_cast<size_t>(layout.count) * item_size;
  bytes_copied_ += size;
  if (bytes_copied_ > source_.size())
    unsupported(name, "a strided view of a shared storage" + advice);
  const auto storage = source_.take(range.offset, range.size, "tensor")->hold();
  auto values = std::make_shared<std::vector<std::byte>>(size);
  std::vector<int64_t> index(layout.shape.size());
  int64_t place = layout.offset;
  for (size_t to = 0; to < size; to += item_size) {
    std::memcpy(values->data() + to, storage.get() + static_cast<size_t>(place) * item_size,
                item_size);
    advance(index, place, layout.shape, layout.strides);
  }
  return tensor_at(*layout.storage.type->dtype, layout.shape, values->data(), values);
}

void TorchTensorReader::broken(const std::string& name, const std::string& how) {
  fail(MOLRT_ERROR_FORMAT, "{}: tensor {}: {}", source_.name(), in_quotes(name), how);
}

void TorchTensorReader::unsupported(const std::string& name, const std::string& how) {
  fail(MOLRT_ERROR_UNSUPPORTED, "{}: tensor {}: {}", source_.name(), in_quotes(name), how);
}

}  // namespace molrt
