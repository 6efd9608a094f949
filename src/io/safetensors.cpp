#include "io/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace molrt {
namespace {

using nlohmann::json;

constexpr uint64_t length_size = 8;
constexpr uint64_t longest_header = 100'000'000;
constexpr uint64_t alignment = 64;
constexpr const char* metadata_key = "__metadata__";
constexpr std::array dtypes{Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::f64, Dtype::i64};

// ---- reading

class HeaderReader {
 public:
  explicit HeaderReader(ByteSource& source) : source_(source) {}

  Safetensors read() {
    const json header = parse(header_text());
    if (!header.is_object()) broken("the header is no JSON object");
    Safetensors result;
    for (const auto& [name, value] : header.items()) {
      if (name == metadata_key) {
        result.metadata = read_metadata(value);
      } else {
        result.tensors.emplace(name, read_tensor(name, value));
      }
    }
    check_ranges();
    load(result.tensors);
    return result;
  }

 private:
  struct Range {
    uint64_t begin, end;
    std::string name;
  };

  [[noreturn]] void broken(const std::string& how) {
    fail(MOLRT_ERROR_FORMAT, "{}: safetensors: {}", source_.name(), how);
  }

  [[noreturn]] void broken(const std::string& tensor, const std::string& how) {
    broken("tensor " + in_quotes(tensor) + ": " + how);
  }

  std::string_view header_text() {
    uint64_t length;
    std::memcpy(&length, source_.read(0, length_size, "header length").data(), length_size);
    if (length > longest_header) broken("the header is longer than 100 MB");
    const auto bytes = source_.read(length_size, length, "safetensors header");
    data_begin_ = length_size + length;
    if (bytes.empty() || bytes.front() != std::byte{'{'})
      broken("the header does not begin with '{'");
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  // Refuses keys that are there twice, of which json would keep one, and nesting that no header
  // has.
  json parse(std::string_view text) {
    constexpr int deepest = 3;
    constexpr uint64_t most_events = 5'000'000;  // json takes much more memory than its text
    uint64_t events = 0;
    std::vector<std::set<std::string>> keys;
    const auto check = [&](int depth, json::parse_event_t event, json& value) {
      if (depth > deepest) broken("the header is nested too deeply");
      if (++events > most_events) broken("the header has too many entries");
      if (event == json::parse_event_t::object_start) keys.emplace_back();
      if (event == json::parse_event_t::object_end) keys.pop_back();
      if (event == json::parse_event_t::key &&
          !keys.back().insert(value.get<std::string>()).second) {
        broken("the key " + value.dump() + " is there twice");
      }
      return true;
    };
    try {
      return json::parse(text, check);
    } catch (const json::exception& error) {
      broken(fmt::format("the header is not valid JSON: {}", error.what()));
    }
  }

  std::map<std::string, std::string> read_metadata(const json& value) {
    if (!value.is_object()) broken("__metadata__ is no object");
    std::map<std::string, std::string> metadata;
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) broken("the metadata " + in_quotes(key) + " is no text");
      metadata.emplace(key, text.get<std::string>());
    }
    return metadata;
  }

  Tensor read_tensor(const std::string& name, const json& value) {
    constexpr size_t known_keys = 3;
    const bool complete = value.is_object() && value.size() == known_keys &&
                          value.contains("dtype") && value.contains("shape") &&
                          value.contains("data_offsets");
    if (!complete) broken(name, "expected an object of dtype, shape and data_offsets");
    Tensor tensor;
    tensor.dtype = read_dtype(name, value["dtype"]);
    for (const uint64_t size : read_numbers(name, value["shape"])) {
      tensor.shape.push_back(static_cast<int64_t>(size));
    }
    const std::vector<uint64_t> offsets = read_numbers(name, value["data_offsets"]);
    const Range range = check_range(name, tensor, offsets);
    source_.check_range(data_begin_ + range.begin, range.end - range.begin, name.c_str());
    ranges_.push_back(range);
    return tensor;
  }

  Dtype read_dtype(const std::string& name, const json& value) {
    if (!value.is_string()) broken(name, "its dtype is no text");
    const auto& text = value.get_ref<const std::string&>();
    const auto found = std::find_if(dtypes.begin(), dtypes.end(),
                                    [&](Dtype dtype) { return dtype_name(dtype) == text; });
    if (found != dtypes.end()) return *found;
    fail(MOLRT_ERROR_UNSUPPORTED, "{}: tensor {} has dtype {}; expected F32, F16, BF16, F64 or I64",
         source_.name(), in_quotes(name), in_quotes(text));
  }

  std::vector<uint64_t> read_numbers(const std::string& name, const json& value) {
    if (!value.is_array()) broken(name, "its shape or data_offsets is no array");
    std::vector<uint64_t> numbers;
    for (const json& item : value) {
      if (!item.is_number_unsigned() || item.get<uint64_t>() > INT64_MAX) {
        broken(name, "a size or offset is no integer from 0 on: " + item.dump());
      }
      numbers.push_back(item.get<uint64_t>());
    }
    return numbers;
  }

  Range check_range(const std::string& name, const Tensor& tensor,
                    const std::vector<uint64_t>& offsets) {
    if (offsets.size() != 2 || offsets[0] > offsets[1])
      broken(name, "expected two rising data_offsets");
    uint64_t bytes = dtype_size(tensor.dtype);
    for (const int64_t size : tensor.shape) {
      if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) {
        broken(name, "its shape " + shape_text(tensor.shape) + " overflows");
      }
    }
    if (bytes != offsets[1] - offsets[0]) {
      broken(name, fmt::format("its shape {} needs {} bytes, its data_offsets span {}",
                               shape_text(tensor.shape), bytes, offsets[1] - offsets[0]));
    }
    return {offsets[0], offsets[1], name};
  }

  void check_ranges() {
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) {
      return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
    });
    uint64_t end = 0;
    for (const Range& range : ranges_) {
      if (range.begin < end) broken(range.name, "overlaps another tensor");
      if (range.begin > end) broken(range.name, "there is a hole before its data");
      end = range.end;
    }
    if (data_begin_ + end == source_.size()) return;
    broken(
        fmt::format("the data ends at byte {}, the file at {}", data_begin_ + end, source_.size()));
  }

  // In the file's order, once nothing can be wrong any more.
  void load(TensorMap& tensors) {
    for (const Range& range : ranges_) {
      tensors[range.name].stored =
          source_.take(data_begin_ + range.begin, range.end - range.begin, range.name.c_str());
    }
  }

  ByteSource& source_;
  uint64_t data_begin_ = 0;
  std::vector<Range> ranges_;
};

// ---- writing

using Entry = TensorMap::const_pointer;

std::vector<Entry> order_by_width(const TensorMap& tensors) {
  std::vector<Entry> order;
  for (const auto& entry : tensors) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](Entry a, Entry b) {
    return dtype_size(a->second.dtype) > dtype_size(b->second.dtype);
  });
  return order;
}

json describe(const std::vector<Entry>& order, const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header[metadata_key] = metadata;
  uint64_t begin = 0;
  for (const Entry entry : order) {
    const auto& [name, tensor] = *entry;
    if (name == metadata_key) fail(MOLRT_ERROR_INVALID_ARGUMENT, "no tensor can be named {}", name);
    const uint64_t end = begin + tensor.bytes();
    header[name] = {{"dtype", dtype_name(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {begin, end}}};
    begin = end;
  }
  return header;
}

std::string header_text(const json& header) try {
  std::string text = header.dump();
  const uint64_t unaligned = (length_size + text.size()) % alignment;
  if (unaligned != 0) text.append(alignment - unaligned, ' ');
  if (text.size() > longest_header) {
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "names and metadata of more than 100 MB");
  }
  return text;
} catch (const json::exception& error) {
  fail(MOLRT_ERROR_INVALID_ARGUMENT, "a name or metadata text is not UTF-8: {}", error.what());
}

}  // namespace

bool looks_like_safetensors(ByteSource& source) {
  if (source.size() <= length_size) return false;
  const auto bytes = source.read(0, length_size + 1, "first bytes");
  uint64_t length;
  std::memcpy(&length, bytes.data(), length_size);
  return length <= longest_header && bytes[length_size] == std::byte{'{'};
}

Safetensors read_safetensors(ByteSource& source) { return HeaderReader(source).read(); }

void write_safetensors(AtomicFile& file, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata) {
  write_safetensors(file, tensors, metadata, [&](const std::string& name) {
    const Tensor& tensor = tensors.at(name);
    file.write(tensor.hold().get(), tensor.bytes());
  });
}

void write_safetensors(AtomicFile& file, const TensorMap& shapes,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<void(const std::string&)>& write_data) {
  const std::vector<Entry> order = order_by_width(shapes);
  const std::string header = header_text(describe(order, metadata));
  const uint64_t length = header.size();
  file.write(&length, sizeof length);
  file.write(header.data(), header.size());
  for (const Entry entry : order) write_data(entry->first);
}

}  // namespace molrt
