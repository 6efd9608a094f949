#include "kernels/epilogue.h"

#include <algorithm>

#include "kernels/gelu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/epilogue.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace molrt::HWY_NAMESPACE {

void add_values(const float* x, size_t count, float* y) {
  for_lanes(count, [&](auto d, size_t i, size_t n) {
    store(hn::Add(load(d, x + i, n), load(d, y + i, n)), d, y + i, n);
  });
}

}  // namespace molrt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molrt {
HWY_EXPORT(add_values);

void finish_tile(Epilogue epilogue, const float* tile, size_t rows, size_t columns, float* y,
                 size_t stride) {
  for (size_t row = 0; row < rows; ++row, tile += columns, y += stride) {
    if (epilogue == Epilogue::none) std::copy_n(tile, columns, y);
    if (epilogue == Epilogue::gelu) gelu_forward(tile, columns, y);
    if (epilogue == Epilogue::accumulate) HWY_DYNAMIC_DISPATCH(add_values)(tile, columns, y);
  }
}

}  // namespace molrt
#endif
