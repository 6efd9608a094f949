#pragma once
// Features -> a packed batch: molecules one behind the other, without padding between them.
#include <span>

#include "features/features.h"
#include "model/architecture.h"
#include "nn/encoder_layer.h"

namespace molrt {

// The pair matrices are cut from `pair`, which is resized; their contents are undefined.
PackedBatch pack(std::span<const Features* const> molecules, const Architecture& architecture,
                 Buffer& pair);

}  // namespace molrt
