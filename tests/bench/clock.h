#pragma once
// Time and memory of this process.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <vector>

namespace molrt {

// By the wall, and of all threads' processors: the latter does not see other programs.
struct Span {
  double wall, cpu;
};

template <typename Work>
Span time_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t ticks = std::clock();
  work();
  const double cpu = static_cast<double>(std::clock() - ticks) / CLOCKS_PER_SEC;
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), cpu};
}

struct Times {
  std::vector<double> wall, cpu;
  void add(Span span) {
    wall.push_back(span.wall);
    cpu.push_back(span.cpu);
  }
};

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

inline double peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

}  // namespace molrt
