#include "molecule_file.h"

#include "io/safetensors.h"

namespace molrt {

void write_molecules(const std::vector<Features>& molecules, const std::string& path) {
  std::vector<float> lengths, tokens, coordinates;
  for (const Features& m : molecules) {
    lengths.push_back(static_cast<float>(m.length()));
    tokens.insert(tokens.end(), m.tokens.begin(), m.tokens.end());
    coordinates.insert(coordinates.end(), m.coordinates.begin(), m.coordinates.end());
  }
  const auto count = [](const auto& list) { return static_cast<int64_t>(list.size()); };
  AtomicFile file(path);
  write_safetensors(file,
                    {{"lengths", make_tensor({count(lengths)}, lengths)},
                     {"tokens", make_tensor({count(tokens)}, tokens)},
                     {"coordinates", make_tensor({count(tokens), 3}, coordinates)}},
                    {});
  file.commit();
}

std::vector<Features> read_molecules(const std::string& path) {
  const auto source = ByteSource::open_file(path);
  const TensorMap tensors = read_safetensors(*source).tensors;
  const auto tokens = to_f32(tensors.at("tokens")), places = to_f32(tensors.at("coordinates"));
  std::vector<Features> molecules;
  size_t first = 0;
  for (const float length : to_f32(tensors.at("lengths"))) {
    const size_t end = first + static_cast<size_t>(length);
    Features& m = molecules.emplace_back();
    m.tokens.assign(tokens.begin() + first, tokens.begin() + end);
    m.coordinates.assign(places.begin() + 3 * first, places.begin() + 3 * end);
    first = end;
  }
  return molecules;
}

}  // namespace molrt
