#pragma once
// What the official weight files were trained with: their tensors cannot say it
// (spec: checkpoints.md, Official files).
#include <optional>

#include "base/file.h"
#include "model/card.h"

namespace molrt {

// By the file's name, or, renamed, by its size and SHA-256 (hashed only when the size fits).
std::optional<Hydrogens> known_hydrogens(ByteSource& source);

}  // namespace molrt
