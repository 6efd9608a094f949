#include "io/joblib.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace molrt {
namespace {

using namespace std::string_view_literals;

constexpr size_t most_dimensions = 8;

enum class NumberType { f4, f8, i4, i8 };

size_t number_size(NumberType type) {
  return type == NumberType::f4 || type == NumberType::i4 ? 4 : 8;
}

template <typename T>
double load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return static_cast<double>(value);
}

double load(NumberType type, const char* from) {
  switch (type) {
    case NumberType::f4:
      return load<float>(from);
    case NumberType::f8:
      return load<double>(from);
    case NumberType::i4:
      return load<int32_t>(from);
    case NumberType::i8:
      return load<int64_t>(from);
  }
  return 0;
}

void refuse_compressed(ByteSource& source) {
  constexpr std::array signatures = {"x\x01"sv,    "x\x5e"sv, "x\x9c"sv,    "x\xda"sv,
                                     "\x1f\x8b"sv, "BZ"sv,    "\xfd\x37"sv, "\x5d\x00"sv,
                                     "\x04\x22"sv, "ZF"sv};
  const auto first = source.read(0, std::min<uint64_t>(2, source.size()), "first bytes");
  const std::string_view begin(reinterpret_cast<const char*>(first.data()), first.size());
  for (const auto signature : signatures)
    if (begin == signature)
      fail(MOLRT_ERROR_UNSUPPORTED,
           "{}: a compressed joblib file; expected an uncompressed one, as unimol_tools writes it "
           "(joblib.dump(joblib.load(f), f))",
           source.name());
}

// What the nodes around an array's numbers say, checked.
class ArrayReader {
 public:
  ArrayReader(const std::string& file, const Pickle& pickle) : file_(file), pickle_(pickle) {}

  [[noreturn]] void broken(const std::string& how) const {
    fail(MOLRT_ERROR_FORMAT, "{}: a numpy array: {}", file_, how);
  }

  NumberType type(PickleId id) const {
    const PickleNode& dtype = pickle_.node(id);
    if (dtype.kind != PickleKind::object || !is_numpy(dtype.callable, "dtype"))
      broken("expected a dtype");
    const auto& arguments = pickle_.node(dtype.arguments).items;
    std::string_view name = arguments.empty() ? ""sv : pickle_.node(arguments[0]).text;
    char order = '<';
    if (dtype.state != PickleNode::absent) {
      const auto& state = pickle_.node(dtype.state).items;
      if (state.size() > 1 && pickle_.node(state[1]).text.size() == 1)
        order = pickle_.node(state[1]).text[0];
    }
    if (!name.empty() && "<>=|"sv.find(name[0]) != std::string_view::npos) {
      order = name[0];
      name.remove_prefix(1);
    }
    constexpr std::array names = {"f4"sv, "f8"sv, "i4"sv, "i8"sv};
    for (size_t i = 0; i < names.size(); ++i)
      if (name == names[i] && order != '>') return static_cast<NumberType>(i);
    fail(MOLRT_ERROR_UNSUPPORTED,
         "{}: a numpy array of type {}{}; expected f4, f8, i4 or i8, little-endian", file_, order,
         in_quotes(name));
  }

  std::vector<int64_t> shape(PickleId id) const {
    const PickleNode& tuple = pickle_.node(id);
    if (tuple.kind != PickleKind::tuple || tuple.items.size() > most_dimensions)
      broken("expected a shape of at most 8 dimensions");
    std::vector<int64_t> sizes;
    for (const PickleId item : tuple.items) {
      const PickleNode& size = pickle_.node(item);
      if (size.kind != PickleKind::integer || size.integer < 0)
        broken("a size that is no integer from 0 on");
      sizes.push_back(size.integer);
    }
    return sizes;
  }

  // `available` bytes are there; more elements than they hold are refused before any allocation.
  uint64_t byte_count(const std::vector<int64_t>& shape, NumberType type,
                      uint64_t available) const {
    uint64_t bytes = number_size(type);
    for (const int64_t size : shape)
      if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes))
        broken("its size overflows");
    if (bytes > available) broken(fmt::format("{} bytes expected, {} are left", bytes, available));
    return bytes;
  }

  NumberArray make(std::vector<int64_t> shape, NumberType type, bool fortran,
                   std::string_view bytes) const {
    NumberArray array{std::move(shape), {}};
    const size_t size = number_size(type), count = bytes.size() / size;
    array.values.resize(count);
    for (size_t i = 0; i < count; ++i) {
      const size_t place = fortran ? fortran_place(array.shape, i) : i;
      array.values[i] = load(type, bytes.data() + place * size);
    }
    return array;
  }

  bool is_numpy(PickleId id, std::string_view name) const {
    if (id == PickleNode::absent) return false;
    const PickleNode& global = pickle_.node(id);
    return global.kind == PickleKind::global && global.text == name &&
           (global.module == "numpy" || global.module.starts_with("numpy."));
  }

 private:
  // Where the element of row-major index i lies if the first dimension runs fastest.
  static size_t fortran_place(const std::vector<int64_t>& shape, size_t i) {
    size_t place = 0;
    std::array<size_t, most_dimensions> index;
    for (size_t d = shape.size(); d-- > 0;) {
      index[d] = i % static_cast<size_t>(shape[d]);
      i /= static_cast<size_t>(shape[d]);
    }
    for (size_t d = shape.size(); d-- > 0;)
      place = place * static_cast<size_t>(shape[d]) + index[d];
    return place;
  }

  const std::string& file_;
  const Pickle& pickle_;
};

// UTF-8 of characters up to U+00FF -> one byte each; empty for others.
std::optional<std::string> latin1(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x80) {
      bytes += text[i];
    } else if ((first == 0xC2 || first == 0xC3) && i + 1 < text.size()) {
      bytes += static_cast<char>((first & 3) << 6 | (text[++i] & 0x3F));
    } else {
      return {};
    }
  }
  return bytes;
}

std::optional<PickleId> find_key(const Pickle& pickle, const PickleNode& dict,
                                 std::string_view key) {
  std::optional<PickleId> value;
  for (const auto& [key_id, value_id] : dict.pairs) {
    const PickleNode& found = pickle.node(key_id);
    if (found.kind == PickleKind::text && found.text == key) value = value_id;
  }
  return value;
}

}  // namespace

Joblib::Joblib(ByteSource& source) : file_(source.name()) {
  refuse_compressed(source);
  pickle_ = read_pickle(source, 0, source.size(), file_,
                        [&](const Pickle& pickle, PickleId object, uint64_t position) {
                          return read_array(source, pickle, object, position);
                        });
}

// The bytes behind a wrapper: its padding (a length and that many bytes, where the wrapper tells of
// an alignment) and its numbers.
uint64_t Joblib::read_array(ByteSource& source, const Pickle& pickle, PickleId object,
                            uint64_t position) {
  const PickleNode& wrapper = pickle.node(object);
  const PickleNode& type = pickle.node(wrapper.callable);
  if (type.kind != PickleKind::global || !type.module.starts_with("joblib")) return 0;
  const ArrayReader reader(file_, pickle);
  if (type.text != "NumpyArrayWrapper")
    fail(MOLRT_ERROR_UNSUPPORTED, "{}: {} of joblib before 0.10 or another kind; re-save the file",
         file_, in_quotes(type.text));
  const auto attribute = [&](const char* name) {
    const auto value = find_key(pickle, pickle.node(wrapper.state), name);
    if (!value) reader.broken(fmt::format("its wrapper has no '{}'", name));
    return *value;
  };
  const NumberType numbers = reader.type(attribute("dtype"));
  std::vector<int64_t> shape = reader.shape(attribute("shape"));
  uint64_t padding = 0;
  const auto alignment =
      find_key(pickle, pickle.node(wrapper.state), "numpy_array_alignment_bytes");
  if (alignment && pickle.node(*alignment).kind != PickleKind::none)
    padding = 1 + static_cast<uint64_t>(source.read(position, 1, "padding")[0]);
  if (padding > source.size() - position) reader.broken("its padding is cut off");
  const uint64_t size = reader.byte_count(shape, numbers, source.size() - position - padding);
  const auto bytes = source.read(position + padding, size, "numpy array");
  arrays_[object] =
      reader.make(std::move(shape), numbers, pickle.node(attribute("order")).text == "F",
                  {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return padding + size;
}

// Protocol 2 has no opcode for bytes: Python writes _codecs.encode(text, 'latin1').
std::optional<std::string> Joblib::bytes(PickleId id) const {
  const PickleNode& node = pickle_.node(id);
  if (node.kind == PickleKind::bytes) return std::string(node.text);
  if (class_of(id) != "_codecs.encode") return {};
  const auto& arguments = pickle_.node(node.arguments).items;
  if (arguments.size() != 2 || pickle_.node(arguments[0]).kind != PickleKind::text ||
      pickle_.node(arguments[1]).text != "latin1")
    return {};
  return latin1(pickle_.node(arguments[0]).text);
}

std::optional<NumberArray> Joblib::numbers(PickleId id) const {
  if (const auto wrapped = arrays_.find(id); wrapped != arrays_.end()) return wrapped->second;
  const PickleNode& node = pickle_.node(id);
  if (node.kind == PickleKind::integer || node.kind == PickleKind::boolean)
    return NumberArray{{}, {static_cast<double>(node.integer)}};
  if (node.kind == PickleKind::real) return NumberArray{{}, {node.real}};
  if (node.kind != PickleKind::object) return {};
  const ArrayReader reader(file_, pickle_);
  const auto finish = [&](std::vector<int64_t> shape, PickleId dtype, bool fortran,
                          PickleId content) {
    const std::optional<std::string> numbers = bytes(content);
    const NumberType type = reader.type(dtype);
    if (!numbers || reader.byte_count(shape, type, numbers->size()) != numbers->size())
      reader.broken("its bytes do not fit its shape");
    return reader.make(std::move(shape), type, fortran, *numbers);
  };
  const auto& arguments = pickle_.node(node.arguments).items;
  if (reader.is_numpy(node.callable, "scalar") && arguments.size() == 2)
    return finish({}, arguments[0], false, arguments[1]);
  if (!reader.is_numpy(node.callable, "_reconstruct") || node.state == PickleNode::absent)
    return {};
  const auto& state = pickle_.node(node.state).items;  // version, shape, dtype, fortran, bytes
  if (state.size() != 5) reader.broken("its state has not five parts");
  return finish(reader.shape(state[1]), state[2], pickle_.node(state[3]).integer != 0, state[4]);
}

std::string Joblib::class_of(PickleId id) const {
  const PickleNode& node = pickle_.node(id);
  if (node.kind != PickleKind::object) return "";
  const PickleNode& type = pickle_.node(node.callable);
  if (type.kind != PickleKind::global) return "";
  return fmt::format("{}.{}", type.module, type.text);
}

std::optional<PickleId> Joblib::find(PickleId id, std::string_view key) const {
  const PickleNode* node = &pickle_.node(id);
  if (node->kind == PickleKind::object) {
    if (node->state == PickleNode::absent) return {};
    node = &pickle_.node(node->state);
  }
  return find_key(pickle_, *node, key);
}

}  // namespace molrt
