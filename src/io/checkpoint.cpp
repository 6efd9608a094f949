#include "io/checkpoint.h"

#include "base/error.h"
#include "base/text.h"
#include "io/torch_tensor.h"

namespace molrt {
namespace {

constexpr std::string_view expected =
    "expected a state dict, {\"model\": state dict} or {\"model_state_dict\": state dict}";

bool is_mapping(const Pickle& pickle, const PickleNode& node) {
  if (node.kind != PickleKind::object) return node.kind == PickleKind::dict;
  const PickleNode& type = pickle.node(node.callable);
  return type.module == "collections" && type.text == "OrderedDict";
}

// As Python reads it: of a key that is there twice, the last.
const PickleNode* find_value(const Pickle& pickle, const PickleNode& mapping,
                             std::string_view key) {
  const PickleNode* value = nullptr;
  for (const auto& [key_id, value_id] : mapping.pairs) {
    const PickleNode& found = pickle.node(key_id);
    if (found.kind == PickleKind::text && found.text == key) value = &pickle.node(value_id);
  }
  return value;
}

std::string describe(const Pickle& pickle, const PickleNode& node) {
  if (node.kind != PickleKind::object) return "no dict";
  const PickleNode& type = pickle.node(node.callable);
  return fmt::format("a whole Python object of {}.{} (save its state_dict())",
                     in_quotes(type.module), in_quotes(type.text));
}

const PickleNode& find_state_dict(const Pickle& pickle, const std::string& file) {
  const PickleNode& root = pickle.root();
  if (!is_mapping(pickle, root)) {
    fail(MOLRT_ERROR_FORMAT, "{}: {}, found {}", file, expected, describe(pickle, root));
  }
  for (const char* key : {"model", "model_state_dict"}) {
    const PickleNode* value = find_value(pickle, root, key);
    if (!value) continue;
    if (is_mapping(pickle, *value)) return *value;
    fail(MOLRT_ERROR_FORMAT, "{}: {}, found {} under \"{}\"", file, expected,
         describe(pickle, *value), key);
  }
  return root;
}

// The name without what wrappers of the model put before it.
std::string plain_name(std::string_view name) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const std::string_view prefix : {"model.", "module."}) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      changed = true;
    }
  }
  return std::string(name);
}

[[noreturn]] void fail_without_tensors(const Pickle& pickle, const PickleNode& state_dict,
                                       const std::string& file) {
  constexpr size_t most_shown = 8;
  std::string keys;
  for (size_t i = 0; i < state_dict.pairs.size() && i < most_shown; ++i) {
    keys += " " + in_quotes(pickle.node(state_dict.pairs[i].first).text);
  }
  fail(MOLRT_ERROR_FORMAT, "{}: {}, found no tensors; keys:{}", file, expected,
       keys.empty() ? " none" : keys);
}

}  // namespace

TensorMap without_prefixes(TensorMap tensors, const std::string& file) {
  TensorMap plain;
  for (auto& [name, tensor] : tensors) {
    if (!plain.emplace(plain_name(name), std::move(tensor)).second)
      fail(MOLRT_ERROR_FORMAT, "{}: tensor {} is there twice (at last as {})", file,
           in_quotes(plain_name(name)), in_quotes(name));
  }
  return plain;
}

TensorMap read_torch_checkpoint(ByteSource& source) {
  const TorchArchive archive = open_torch_archive(source);
  const Pickle& pickle = archive.pickle;
  const PickleNode& state_dict = find_state_dict(pickle, source.name());
  TorchTensorReader reader(source, archive);
  TensorMap tensors;
  for (const auto& [key_id, value_id] : state_dict.pairs) {
    const PickleNode& key = pickle.node(key_id);
    if (key.kind != PickleKind::text) continue;
    const std::string name = plain_name(key.text);
    auto tensor = reader.read(name, pickle.node(value_id));
    if (!tensor) continue;
    if (!is_utf8(name) || name.empty()) {
      fail(MOLRT_ERROR_FORMAT, "{}: a tensor's name, {}, is empty or not UTF-8", source.name(),
           in_quotes(key.text));
    }
    if (!tensors.emplace(name, std::move(*tensor)).second) {
      fail(MOLRT_ERROR_FORMAT, "{}: tensor {} is there twice (at last as {})", source.name(),
           in_quotes(name), in_quotes(key.text));
    }
  }
  if (tensors.empty()) fail_without_tensors(pickle, state_dict, source.name());
  return tensors;
}

}  // namespace molrt
