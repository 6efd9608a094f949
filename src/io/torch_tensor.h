#pragma once
// Tensors of a PyTorch archive: from the node that would rebuild one to its bytes.
#include <optional>
#include <string>

#include "io/torch_archive.h"

namespace molrt {

class TorchTensorReader {
 public:
  TorchTensorReader(ByteSource& source, const TorchArchive& archive)
      : source_(source), archive_(archive) {}

  // The tensor `name` that `value` describes; empty if it is no tensor, or one of whole numbers or
  // booleans narrower than 64 bits, which no Uni-Mol weight is. FORMAT or UNSUPPORTED otherwise.
  std::optional<Tensor> read(const std::string& name, const PickleNode& value);

 private:
  struct Layout;
  Layout read_layout(const std::string& name, const PickleNode& arguments);
  void check_layout(const std::string& name, const Layout& layout);
  const StorageRange& find_storage(const std::string& name, const StorageReference& storage);
  Tensor contiguous(const Layout& layout, const StorageRange& range);
  Tensor copy(const std::string& name, const Layout& layout, const StorageRange& range);
  std::vector<int64_t> read_integers(const std::string& name, const PickleNode& tuple);
  [[noreturn]] void broken(const std::string& name, const std::string& how);
  [[noreturn]] void unsupported(const std::string& name, const std::string& how);

  ByteSource& source_;
  const TorchArchive& archive_;
  uint64_t bytes_copied_ = 0;
};

}  // namespace molrt
