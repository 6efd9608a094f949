#include "nn/encoder_layer.h"

#include <algorithm>

namespace molrt {

EncoderLayer::EncoderLayer(const Weights& weights, const std::string& name, int width, int ffn)
    : width_(width),
      ffn_(ffn),
      attention_norm_(weights, name + ".self_attn_layer_norm", width),
      in_proj_(weights, name + ".self_attn.in_proj", width, 3 * width, Epilogue::none),
      out_proj_(weights, name + ".self_attn.out_proj", width, width, Epilogue::accumulate),
      ffn_norm_(weights, name + ".final_layer_norm", width),
      fc1_(weights, name + ".fc1", width, ffn, Epilogue::gelu),
      fc2_(weights, name + ".fc2", ffn, width, Epilogue::accumulate) {}

void EncoderLayer::forward(const PackedBatch& batch, float* x, Workspace& workspace) const {
  attend(batch, x, workspace);
  feed_forward(batch.tokens, x, workspace);
}

void EncoderLayer::attend(const PackedBatch& batch, float* x, Workspace& w) const {
  const size_t rows = padded_rows(batch.tokens);
  float* normed = w.normed.resize(rows * width_);
  float* qkv = w.qkv.resize(rows * 3 * width_);
  float* context = w.context.resize(rows * width_);
  attention_norm_.forward(x, rows, normed);
  in_proj_.multiply(normed, rows, qkv, w.matmul);
  for (const auto& m : batch.molecules)
    attention(m.shape, qkv + m.first_token * 3 * width_, m.pair, m.pair, {},
              context + m.first_token * width_, w.attention);
  std::fill(context + batch.tokens * width_, context + rows * width_, 0.0f);
  out_proj_.multiply(context, rows, x, w.matmul);
}

void EncoderLayer::feed_forward(size_t tokens, float* x, Workspace& w) const {
  const size_t rows = padded_rows(tokens);
  float* normed = w.normed.resize(rows * width_);
  float* hidden = w.ffn.resize(rows * ffn_);
  ffn_norm_.forward(x, rows, normed);
  fc1_.multiply(normed, rows, hidden, w.matmul);
  fc2_.multiply(hidden, rows, x, w.matmul);
}

}  // namespace molrt
