#include "features/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "molrt.h"

namespace molrt {
namespace {

constexpr uint8_t hydrogen = 1;

std::vector<size_t> kept_atoms(const Conformer& conformer, bool remove_hydrogens) {
  std::vector<size_t> kept;
  for (size_t i = 0; i < conformer.atoms(); ++i)
    if (!remove_hydrogens || conformer.atomic_numbers[i] != hydrogen) kept.push_back(i);
  return kept;
}

// What was done to a given structure's hydrogens. Those added to it that the model does not read
// are nothing to tell.
uint32_t hydrogens_flag(const Conformer& conformer, bool remove_hydrogens) {
  bool added = false, removed = false;
  for (size_t i = 0; i < conformer.atoms(); ++i) {
    added = added || conformer.input_index[i] < 0;
    removed = removed || (conformer.atomic_numbers[i] == hydrogen && conformer.input_index[i] >= 0);
  }
  if (remove_hydrogens) return removed ? MOLRT_FLAG_HYDROGENS_REMOVED : 0;
  return added ? MOLRT_FLAG_HYDROGENS_ADDED : 0;
}

Features failure(int32_t status, std::string message) {
  Features features;
  features.status = status;
  features.message = std::move(message);
  return features;
}

void add_tokens(const Conformer& conformer, const std::vector<size_t>& kept,
                const Dictionary& dictionary, Features& features) {
  features.tokens.push_back(dictionary.cls());
  for (size_t i : kept) {
    features.tokens.push_back(dictionary.token(conformer.atomic_numbers[i]));
    if (features.tokens.back() == dictionary.unknown())
      features.flags |= MOLRT_FLAG_UNKNOWN_ELEMENT;
    features.atoms.push_back(static_cast<int32_t>(i));
  }
  features.tokens.push_back(dictionary.sep());
}

using Point = std::array<float, 3>;

Point point(const Conformer& conformer, size_t atom) {
  const float* xyz = &conformer.coordinates[3 * atom];
  return {xyz[0], xyz[1], xyz[2]};
}

// As numpy's mean(axis=0) of float32: one float32 sum over the rows, in order.
Point mean_point(const Conformer& conformer, const std::vector<size_t>& kept) {
  Point sum{};
  for (size_t i : kept) {
    const Point p = point(conformer, i);
    for (int c = 0; c < 3; ++c) sum[c] += p[c];
  }
  for (float& component : sum) component /= static_cast<float>(kept.size());
  return sum;
}

void add_coordinates(const Conformer& conformer, const std::vector<size_t>& kept,
                     Features& features) {
  const Point mean = mean_point(conformer, kept);
  features.coordinates.assign(3, 0.0f);  // [CLS]
  for (size_t i : kept) {
    const Point p = point(conformer, i);
    for (int c = 0; c < 3; ++c) features.coordinates.push_back(p[c] - mean[c]);
  }
  features.coordinates.insert(features.coordinates.end(), 3, 0.0f);  // [SEP]
}

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

}  // namespace

Features make_features(const Conformer& conformer, const Dictionary& dictionary,
                       const FeatureOptions& options) {
  if (conformer.atoms() == 0) return failure(MOLRT_ROW_EMPTY, "a molecule without atoms");
  std::vector<size_t> kept = kept_atoms(conformer, options.remove_hydrogens);
  if (kept.empty())
    return failure(MOLRT_ROW_NO_ATOMS, "hydrogens only, and the model reads no hydrogens");
  Features features;
  if (options.given) features.flags |= hydrogens_flag(conformer, options.remove_hydrogens);
  const auto limit = static_cast<size_t>(options.max_atoms);
  if (kept.size() > limit) {
    if (!options.crop)
      return failure(MOLRT_ROW_TOO_LARGE,
                     fmt::format("{} atoms are more than the limit of {}", kept.size(), limit));
    kept.resize(limit);
    features.flags |= MOLRT_FLAG_CROPPED;
  }
  add_tokens(conformer, kept, dictionary, features);
  add_coordinates(conformer, kept, features);
  if (!all_finite(features.coordinates))
    return failure(MOLRT_ROW_BAD_COORDINATES, "coordinates too far apart for float32");
  return features;
}

}  // namespace molrt
