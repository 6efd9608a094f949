#include "io/torch_archive.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "io/zip.h"

namespace molrt {
namespace {

constexpr std::array storage_types{
    StorageType{"FloatStorage", 4, Dtype::f32},      StorageType{"HalfStorage", 2, Dtype::f16},
    StorageType{"BFloat16Storage", 2, Dtype::bf16},  StorageType{"DoubleStorage", 8, Dtype::f64},
    StorageType{"LongStorage", 8, Dtype::i64, true}, StorageType{"IntStorage", 4, {}, true},
    StorageType{"ShortStorage", 2, {}, true},        StorageType{"CharStorage", 1, {}, true},
    StorageType{"ByteStorage", 1, {}, true},         StorageType{"BoolStorage", 1, {}, true},
    StorageType{"ComplexFloatStorage", 8, {}},       StorageType{"ComplexDoubleStorage", 16, {}},
};

bool starts_with(ByteSource& source, std::string_view begin) {
  if (source.size() < begin.size()) return false;
  const auto bytes = source.read(0, begin.size(), "first bytes");
  return std::memcmp(bytes.data(), begin.data(), begin.size()) == 0;
}

// ---- the zip format

// The folder that holds everything, with its slash: that of the one data.pkl.
std::string top_folder(const ZipDirectory& directory, const std::string& file) {
  constexpr std::string_view pickle = "data.pkl";
  std::vector<std::string> folders;
  for (const auto& [name, entry] : directory) {
    const size_t slash = name.find('/');
    if (slash != std::string::npos && name.substr(slash + 1) == pickle) {
      folders.push_back(name.substr(0, slash + 1));
    }
  }
  if (folders.size() == 1) return folders.front();
  fail(MOLRT_ERROR_FORMAT,
       "{}: a zip archive, but not PyTorch's: expected one entry FOLDER/data.pkl, found {}", file,
       folders.size());
}

void check_byte_order(ByteSource& source, const ZipDirectory& directory,
                      const std::string& folder) {
  const auto found = directory.find(folder + "byteorder");
  if (found == directory.end()) return;
  constexpr uint64_t longest = 16;
  const uint64_t size = std::min(found->second.size, longest);
  const auto bytes = source.read(found->second.offset, size, "byteorder");
  const std::string_view order(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (order.starts_with("little")) return;
  fail(MOLRT_ERROR_UNSUPPORTED, "{}: numbers are stored in byte order {}; expected \"little\"",
       source.name(), in_quotes(order));
}

TorchArchive open_zip_archive(ByteSource& source) {
  const ZipDirectory directory = read_zip_directory(source);
  const std::string folder = top_folder(directory, source.name());
  check_byte_order(source, directory, folder);
  const ZipEntry pickle = directory.at(folder + "data.pkl");
  TorchArchive archive;
  archive.pickle = read_pickle(source, pickle.offset, pickle.size, source.name() + ": data.pkl");
  const std::string data = folder + "data/";
  for (auto entry = directory.lower_bound(data);
       entry != directory.end() && entry->first.starts_with(data); ++entry) {
    archive.storages[entry->first.substr(data.size())] = {entry->second.offset, entry->second.size};
  }
  return archive;
}

// ---- before torch 1.6: five pickles in a row (magic number, version, the writer's machine, the
// object, the storages' keys), then each storage as a 64-bit count and its elements

class LegacyReader {
 public:
  explicit LegacyReader(ByteSource& source) : source_(source) {}

  TorchArchive read() {
    check_magic(next_pickle("magic number"));
    check_version(next_pickle("version"));
    check_machine(next_pickle("system information"));
    TorchArchive archive;
    archive.pickle = next_pickle("data");
    const Pickle keys = next_pickle("keys of storages");
    const auto item_sizes = collect_item_sizes(archive.pickle);
    for (const PickleId id : keys.root().items) read_storage(keys.node(id), item_sizes, archive);
    return archive;
  }

 private:
  using ItemSizes = std::map<std::string_view, int64_t>;

  [[noreturn]] void broken(const char* what) {
    fail(MOLRT_ERROR_FORMAT, "{}: PyTorch file of the format before 1.6: {}", source_.name(), what);
  }

  Pickle next_pickle(const char* what) {
    const std::string name = fmt::format("{}: {}", source_.name(), what);
    Pickle pickle = read_pickle(source_, position_, source_.size() - position_, name);
    position_ += pickle.length;
    return pickle;
  }

  void check_magic(const Pickle& pickle) {
    constexpr std::string_view magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    if (pickle.root().kind == PickleKind::big_integer && pickle.root().text == magic) return;
    fail(MOLRT_ERROR_FORMAT, "{}: a Python pickle, but not a file of torch.save", source_.name());
  }

  void check_version(const Pickle& pickle) {
    constexpr int64_t version = 1001;
    if (pickle.root().kind != PickleKind::integer || pickle.root().integer != version) {
      broken("expected version 1001");
    }
  }

  void check_machine(const Pickle& pickle) {
    for (const auto& [key, value] : pickle.root().pairs) {
      if (pickle.node(key).text == "little_endian" && pickle.node(value).integer == 0) {
        fail(MOLRT_ERROR_UNSUPPORTED, "{}: numbers are stored in big-endian byte order",
             source_.name());
      }
    }
  }

  // The storages do not say how wide their elements are; the persistent ids do.
  ItemSizes collect_item_sizes(const Pickle& pickle) {
    ItemSizes sizes;
    for (const PickleNode& node : pickle.nodes) {
      const auto storage = as_storage(pickle, node);
      if (storage && storage->type) sizes.emplace(storage->key, storage->type->item_size);
    }
    return sizes;
  }

  void read_storage(const PickleNode& key, const ItemSizes& item_sizes, TorchArchive& archive) {
    const auto item_size = item_sizes.find(key.text);
    if (key.kind != PickleKind::text || item_size == item_sizes.end()) {
      fail(MOLRT_ERROR_UNSUPPORTED,
           "{}: storage {} has elements of unknown size; re-save the file with torch 1.6 or later: "
           "torch.save(torch.load(f), g)",
           source_.name(), in_quotes(key.text));
    }
    int64_t count, size;
    std::memcpy(&count, source_.read(position_, sizeof count, "size of a storage").data(),
                sizeof count);
    position_ += sizeof count;
    if (count < 0 || __builtin_mul_overflow(count, item_size->second, &size))
      broken("a size overflows");
    if (static_cast<uint64_t>(size) > source_.size() - position_) broken("a storage is cut off");
    const StorageRange range{position_, static_cast<uint64_t>(size)};
    if (!archive.storages.emplace(key.text, range).second) broken("a storage is there twice");
    position_ += range.size;
  }

  ByteSource& source_;
  uint64_t position_ = 0;
};

// ---- neither

std::string describe(ByteSource& source) {
  if (starts_with(source, "<")) return "an HTML or XML page (did the download work?)";
  if (starts_with(source, "version https://git-lfs"))
    return "a Git LFS pointer (run `git lfs pull`)";
  if (starts_with(source, "\x1f\x8b")) return "a gzip file (unpack it first)";
  constexpr uint64_t shown = 16;
  const auto bytes = source.read(0, std::min(shown, source.size()), "first bytes");
  return "a file that begins with " +
         in_quotes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

TorchArchive open_torch_archive(ByteSource& source) {
  if (starts_with(source, "PK")) return open_zip_archive(source);
  if (starts_with(source, "\x80")) return LegacyReader(source).read();
  fail(MOLRT_ERROR_FORMAT, "{}: expected a PyTorch archive (.pt, .pth), found {}", source.name(),
       describe(source));
}

std::optional<StorageReference> as_storage(const Pickle& pickle, const PickleNode& node) {
  if (node.kind != PickleKind::persistent_id) return {};
  const auto& parts = pickle.node(node.items.front()).items;
  constexpr size_t kind = 0, type = 1, key = 2, count = 4, view = 5;
  if (parts.size() <= count || pickle.node(parts[kind]).text != "storage") return {};
  const PickleNode& global = pickle.node(parts[type]);
  if (global.kind != PickleKind::global || pickle.node(parts[count]).kind != PickleKind::integer)
    return {};
  StorageReference reference;
  reference.class_name = global.text;
  const auto found = std::find_if(storage_types.begin(), storage_types.end(),
                                  [&](const StorageType& t) { return t.name == global.text; });
  if (found != storage_types.end() && global.module == "torch") reference.type = &*found;
  reference.key = pickle.node(parts[key]).text;
  reference.count = pickle.node(parts[count]).integer;
  reference.is_view = parts.size() > view && pickle.node(parts[view]).kind != PickleKind::none;
  return reference;
}

}  // namespace molrt
