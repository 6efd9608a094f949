#pragma once
// What a target knows of its result beyond "no crash": a broken promise is a finding, too.
#include <cstdio>
#include <cstdlib>

namespace molrt::fuzz {

inline void must(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

}  // namespace molrt::fuzz
