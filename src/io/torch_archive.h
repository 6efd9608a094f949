#pragma once
// What torch.save writes, as a pickle and named ranges of bytes: the zip format and the one before
// torch 1.6.
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/tensor.h"
#include "io/pickle.h"

namespace molrt {

struct StorageRange {
  uint64_t offset = 0, size = 0;  // bytes of the file
};

struct TorchArchive {
  Pickle pickle;
  std::map<std::string, StorageRange, std::less<>> storages;  // by key
};

// Reads the directory and the pickle, no storage.
TorchArchive open_torch_archive(ByteSource& source);

// A class of storages, such as torch.FloatStorage.
struct StorageType {
  std::string_view name;
  int64_t item_size;
  std::optional<Dtype> dtype;  // empty: molrt has no such numbers
  bool whole_numbers = false;
};

// The persistent id ("storage", class, key, location, count) that stands for a storage.
struct StorageReference {
  std::string_view class_name;
  const StorageType* type = nullptr;  // null: a class that is not known
  std::string_view key;
  int64_t count = 0;     // elements
  bool is_view = false;  // of another storage; only before torch 1.6
};

std::optional<StorageReference> as_storage(const Pickle& pickle, const PickleNode& node);

}  // namespace molrt
