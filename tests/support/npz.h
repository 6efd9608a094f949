#pragma once
// Golden numbers: arrays of a NumPy .npz file.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace molrt::test {

struct Array {
  std::vector<int64_t> shape;
  std::vector<double> numbers;  // every numeric dtype, widened; exact for float32 and int64 < 2^53
  std::vector<std::string> strings;  // of dtype <U
  std::vector<float> floats() const { return {numbers.begin(), numbers.end()}; }
  std::vector<int64_t> integers() const { return {numbers.begin(), numbers.end()}; }
};

using Npz = std::map<std::string, Array>;

Npz load_npz(const std::string& path);

// The path of a file in tests/golden/data.
std::string golden_path(const std::string& name);

// max|a-b| / max|b|, the relative error of the golden README.
double relative_error(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace molrt::test
