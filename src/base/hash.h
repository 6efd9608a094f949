#pragma once
// FNV-1a: a hash whose values may be stored. (std::hash's may not: each library has its own.)
#include <cstdint>
#include <string_view>

namespace molrt {

inline uint64_t fnv1a(std::string_view bytes) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

}  // namespace molrt
