#include "cache/conformer_record.h"

#include <fmt/format.h>
#include <gnu/libc-version.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "chem/rdkit_switches.h"

namespace molrt {
namespace {

// To be raised with every change of src/chem that changes a conformer or its index map for the
// same text, and of the value's layout below.
constexpr int recipe = 1;

constexpr size_t most_elements = 118;

// In front of a value; then atomic numbers [atoms], coordinates [atoms, 3] and the index map.
struct Header {
  int32_t source;
  uint32_t flags, atoms;
  // Atoms 0 to written - 1 have these indices in the text, and the others none: there is no map.
  // -1: it is there.
  int32_t written;
};

// In the bytes of x86-64.
class Writer {
 public:
  template <typename T>
  void add(const T* values, size_t count) {
    bytes_.append(reinterpret_cast<const char*>(values), count * sizeof(T));
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  bool take(T* values, size_t count) {
    if (bytes_.size() / sizeof(T) < count) return false;
    std::memcpy(values, bytes_.data(), count * sizeof(T));
    bytes_.remove_prefix(count * sizeof(T));
    return true;
  }
  template <typename T>
  bool take(std::vector<T>& values, size_t count) {
    if (bytes_.size() / sizeof(T) < count) return false;
    values.resize(count);
    return take(values.data(), count);
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

std::vector<int32_t> plain_index(size_t atoms, size_t written) {
  std::vector<int32_t> index(atoms, -1);
  for (size_t i = 0; i < written; ++i) index[i] = static_cast<int32_t>(i);
  return index;
}

int32_t count_written(const std::vector<int32_t>& index) {
  const auto written =
      static_cast<size_t>(std::find(index.begin(), index.end(), -1) - index.begin());
  return index == plain_index(index.size(), written) ? static_cast<int32_t>(written) : -1;
}

bool read_index(Reader& reader, const Header& header, std::vector<int32_t>& index) {
  if (header.written < 0) return reader.take(index, header.atoms);
  if (static_cast<uint32_t>(header.written) > header.atoms) return false;
  index = plain_index(header.atoms, static_cast<size_t>(header.written));
  return true;
}

bool is_sound(const ConformerResult& result) {
  const Conformer& c = result.conformer;
  if (!is_worth_keeping(result) || c.atoms() == 0) return false;
  return std::all_of(c.atomic_numbers.begin(), c.atomic_numbers.end(),
                     [](uint8_t z) { return z <= most_elements; }) &&
         std::all_of(c.coordinates.begin(), c.coordinates.end(),
                     [](float x) { return std::isfinite(x); }) &&
         std::all_of(c.input_index.begin(), c.input_index.end(), [](int32_t i) { return i >= -1; });
}

}  // namespace

// A drawing has no seed and is no rung of a ladder.
std::string conformer_key(const MoleculeText& text, const ConformerOptions& options) {
  static const std::string maker =
      fmt::format("{}|{}|{}", recipe, rdkit_version(), gnu_get_libc_version());
  const std::string how =
      options.flat ? "flat" : fmt::format("{}{}", options.peer_ladder ? "peer" : "", options.seed);
  return fmt::format("{}|{}|{}|{}\n{}", maker, rdkit_switches(), how,
                     text.format == TextFormat::smiles ? "smiles" : "mol", text.text);
}

bool is_worth_keeping(const ConformerResult& result) {
  return result.status == MOLRT_ROW_OK &&
         (result.source == MOLRT_SOURCE_ETKDG_MMFF || result.source == MOLRT_SOURCE_ETKDG ||
          result.source == MOLRT_SOURCE_2D);
}

std::string conformer_value(const ConformerResult& result) {
  const Conformer& c = result.conformer;
  const Header header{result.source, result.flags, static_cast<uint32_t>(c.atoms()),
                      count_written(c.input_index)};
  Writer writer;
  writer.add(&header, 1);
  writer.add(c.atomic_numbers.data(), c.atoms());
  writer.add(c.coordinates.data(), c.coordinates.size());
  if (header.written < 0) writer.add(c.input_index.data(), c.input_index.size());
  return writer.take();
}

std::optional<ConformerResult> read_conformer(std::string_view value) {
  Reader reader(value);
  Header header;
  ConformerResult result;
  Conformer& c = result.conformer;
  if (!reader.take(&header, 1) || !reader.take(c.atomic_numbers, header.atoms) ||
      !reader.take(c.coordinates, size_t{3} * header.atoms) ||
      !read_index(reader, header, c.input_index) || !reader.at_end())
    return std::nullopt;
  result.status = MOLRT_ROW_OK;
  result.source = header.source;
  result.flags = header.flags;
  if (!is_sound(result)) return std::nullopt;
  return result;
}

bool fits(const ConformerResult& result, const ConformerOptions& options) {
  const auto& numbers = result.conformer.atomic_numbers;
  const auto hydrogens = std::count(numbers.begin(), numbers.end(), uint8_t{1});
  const auto atoms =
      static_cast<int64_t>(numbers.size()) - (options.heavy_atoms_only ? hydrogens : 0);
  return options.max_atoms <= 0 || atoms <= options.max_atoms;
}

}  // namespace molrt
