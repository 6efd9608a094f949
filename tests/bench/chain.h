#pragma once
// The limit that the network is measured by: the four products of every layer (in_proj, out_proj,
// fc1, fc2) by oneDNN alone, weights packed, with their biases, GELU and residual sums, and nothing
// between them. What the products read and write is of no meaning.
#include <cstddef>
#include <memory>
#include <string>

#include "clock.h"
#include "kernels/matmul.h"

namespace molrt {

struct ChainShape {
  int layers, width, ffn;
  double operations(size_t rows) const {
    return 2.0 * layers * rows * (4.0 * width * width + 2.0 * width * ffn);
  }
};

// How the products are called.
struct ChainWay {
  Precision precision;   // f32 or bf16
  size_t tile;           // rows of a call
  size_t tiles = 1;      // that go through a layer one after the other
  bool shared = false;   // all threads in each call; else each has calls of its own
  bool f32_out = false;  // of bf16: what they write
  std::string text() const;
};

class Chain {
 public:
  Chain(const ChainShape& shape, const ChainWay& way, int threads);
  ~Chain();
  // A pass of at least so many rows, in whole tiles and as many for each thread; the time is that
  // of `rows` at the same rate.
  Span time(size_t rows);
  const ChainWay& way() const { return way_; }

 private:
  struct Products;
  struct Worker;
  ChainWay way_;
  int threads_;
  std::unique_ptr<Products> products_;
  std::unique_ptr<Worker[]> workers_;
};

// The fastest of several ways, for many rows. Throws dnnl::error for a precision that oneDNN does
// not have here.
std::unique_ptr<Chain> fastest_chain(const ChainShape& shape, Precision precision, size_t rows,
                                     int threads);
// The same for one molecule of so many tokens.
std::unique_ptr<Chain> fastest_small_chain(const ChainShape& shape, Precision precision,
                                           size_t tokens, int threads);

}  // namespace molrt
