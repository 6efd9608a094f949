#pragma once
// What follows a tile of a product, on its way from the product's own buffer to where it belongs:
// oneDNN's fast kernels write whole rows only.
#include "kernels/matmul.h"

namespace molrt {

// tile [rows, columns] -> y, whose rows are `stride` apart.
void finish_tile(Epilogue epilogue, const float* tile, size_t rows, size_t columns, float* y,
                 size_t stride);

}  // namespace molrt
