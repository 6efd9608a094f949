#include <fmt/format.h>

#include "kernels/matmul.h"

namespace molrt {

const char* precision_name(Precision precision) {
  return precision == Precision::f32 ? "f32" : precision == Precision::split ? "split" : "bf16";
}

Precision parse_precision(std::string_view name) {
  return name == "split" ? Precision::split : name == "bf16" ? Precision::bf16 : Precision::f32;
}

std::string why_not(Precision precision) {
  if (precision == Precision::f32 || has_bf16()) return "";
  return fmt::format("{} needs a CPU with AVX-512, and oneDNN found {} here",
                     precision_name(precision), onednn_isa());
}

}  // namespace molrt
