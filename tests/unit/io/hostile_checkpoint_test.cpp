// Checkpoints that are broken or mean harm: a result or a molrt::Error, nothing else.
#include <fstream>
#include <random>
#include <sstream>

#include "io/checkpoint.h"
#include "support/expect_error.h"
#include "support/npz.h"
#include "unit/io/build_archive.h"

namespace molrt {
namespace {

using namespace test::pickled;
using test::archive;
using test::floats;

std::string golden(const std::string& name) {
  std::ostringstream bytes;
  bytes << std::ifstream(test::golden_path(name), std::ios::binary).rdbuf();
  return bytes.str();
}

TensorMap read(std::string_view bytes) { return read_torch_checkpoint(*test::source(bytes)); }

// Whatever was read can be used: every byte of every tensor is there.
bool survives(std::string_view bytes) try {
  for (const auto& [name, tensor] : read(bytes)) (void)to_f32(tensor);
  return true;
} catch (const Error&) {
  return true;
} catch (...) {
  return false;
}

const char* const formats[] = {"molecule_linear_f16.pth", "molecule_linear_torch2.pth",
                               "molecule_linear_legacy.pth"};

TEST(HostileCheckpoint, TruncatedAnywhere) {
  for (const char* file : formats) {
    const std::string bytes = golden(file);
    for (size_t size = 0; size < bytes.size(); size += size < 2000 ? 37 : 9973) {
      EXPECT_THROW(read(std::string_view(bytes).substr(0, size)), Error) << file << ' ' << size;
    }
    for (size_t size = bytes.size() - 4000; size < bytes.size(); size += 29) {
      EXPECT_THROW(read(std::string_view(bytes).substr(0, size)), Error) << file << ' ' << size;
    }
  }
}

// Where the structure is: the pickle at the beginning, the directory at the end.
TEST(HostileCheckpoint, BytesFlipped) {
  std::mt19937 random(1);
  for (const char* file : formats) {
    std::string bytes = golden(file);
    for (int i = 0; i < 1000; ++i) {
      const size_t from_edge = random() % 9000;
      const size_t place = random() % 2 ? from_edge : bytes.size() - 1 - from_edge;
      const char before = bytes[place];
      bytes[place] = static_cast<char>(random());
      EXPECT_TRUE(survives(bytes)) << file << ' ' << place;
      bytes[place] = before;
    }
  }
}

TEST(HostileCheckpoint, BytesFlippedInASmallArchive) {
  const std::string w = tensor(storage("FloatStorage", "0", 4), 0, {2, 2}, {1, 2});
  const std::string bytes =
      archive(dict({{"model", ordered_dict({{"w", w}})}}), {floats({1, 2, 3, 4})});
  for (size_t place = 0; place < bytes.size(); ++place) {
    for (const char value : {'\0', '\1', '\x7f', '\x80', '\xff', '.', 'u', 't'}) {
      std::string flipped = bytes;
      flipped[place] = value;
      EXPECT_TRUE(survives(flipped)) << place;
    }
  }
}

TEST(HostileCheckpoint, NothingIsCalled) {
  const std::string attack =
      reduce(global("os", "system"), tuple({text("touch /tmp/molrt-attack")}));
  EXPECT_ERROR(read(archive(attack, {})), MOLRT_ERROR_FORMAT, "\"os\".\"system\"");
  EXPECT_ERROR(read(archive(dict({{"model", attack}}), {})), MOLRT_ERROR_FORMAT,
               "\"os\".\"system\"");
  const std::string w = tensor(storage("FloatStorage", "0", 1), 0, {1}, {1});
  EXPECT_EQ(read(archive(dict({{"x", attack}, {"w", w}}), {floats({1})})).size(), 1u);
  const std::string as_storage = reduce(global("torch._utils", "_rebuild_tensor_v2"),
                                        tuple({attack, integer(0), tuple({}), tuple({})}));
  EXPECT_ERROR(read(archive(dict({{"w", as_storage}}), {})), MOLRT_ERROR_FORMAT,
               "expected a storage");
}

TEST(HostileCheckpoint, TensorsOfTheWrongParts) {
  const std::string rebuild = global("torch._utils", "_rebuild_tensor_v2");
  const std::string good = storage("FloatStorage", "0", 1);
  const auto with = [&](const std::string& arguments) {
    return archive(dict({{"w", reduce(rebuild, arguments)}}), {floats({1})});
  };
  const std::string one = integers({1});
  EXPECT_EQ(read(with(tuple({good, integer(0), one, one}))).size(), 1u);
  EXPECT_ERROR(read(with(tuple({good, text("0"), one, one}))), MOLRT_ERROR_FORMAT, "offset");
  EXPECT_ERROR(read(with(tuple({good, integer(0), text("1"), one}))), MOLRT_ERROR_FORMAT, "tuple");
  EXPECT_ERROR(read(with(tuple({good, integer(0), tuple({"N"}), one}))), MOLRT_ERROR_FORMAT,
               "integer");
  EXPECT_ERROR(read(with(tuple({good, integer(0)}))), MOLRT_ERROR_FORMAT, "stride");
  EXPECT_ERROR(read(with("N")), MOLRT_ERROR_FORMAT, "stride");
  EXPECT_ERROR(read(with(tuple({text("storage") + "Q", integer(0), one, one}))), MOLRT_ERROR_FORMAT,
               "storage");
}

TEST(HostileCheckpoint, OtherFiles) {
  EXPECT_ERROR(read("<!DOCTYPE html><html>"), MOLRT_ERROR_FORMAT, "HTML");
  EXPECT_ERROR(read("version https://git-lfs.github.com/spec/v1\n"), MOLRT_ERROR_FORMAT,
               "git lfs pull");
  EXPECT_ERROR(read("\x1f\x8b\x08"), MOLRT_ERROR_FORMAT, "gzip");
  EXPECT_ERROR(read("\x01\x02 hello\xff"), MOLRT_ERROR_FORMAT,
               "begins with \"\\u0001\\u0002 hello");
  EXPECT_ERROR(read(""), MOLRT_ERROR_FORMAT, "begins with \"\"");
  EXPECT_ERROR(read(file(dict({}))), MOLRT_ERROR_FORMAT, "not a file of torch.save");
  EXPECT_ERROR(read(test::zip({{"a/b", "c"}})), MOLRT_ERROR_FORMAT, "FOLDER/data.pkl, found 0");
  EXPECT_ERROR(read(test::zip({{"a/data.pkl", "N."}, {"b/data.pkl", "N."}})), MOLRT_ERROR_FORMAT,
               "found 2");
  EXPECT_ERROR(read(archive(dict({}), {}).substr(0, 60)), MOLRT_ERROR_FORMAT, "cut off");
}

TEST(HostileCheckpoint, ByteOrder) {
  const std::string w = tensor(storage("FloatStorage", "0", 1), 0, {1}, {1});
  const auto with = [&](const char* order) {
    return test::zip({{"a/data.pkl", file(dict({{"w", w}}))},
                      {"a/data/0", floats({1})},
                      {"a/byteorder", order}});
  };
  EXPECT_EQ(read(with("little")).size(), 1u);
  EXPECT_ERROR(read(with("big")), MOLRT_ERROR_UNSUPPORTED, "\"big\"");
}

// ---- before torch 1.6

const std::string magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

struct Legacy {
  std::string version = file(integer(1001));
  std::string machine = file(dict({{"little_endian", "\x88"}}));
  std::string data = file(dict({{"w", tensor(storage("FloatStorage", "7", 2), 0, {2}, {1})}}));
  std::string keys = file(list({text("7")}));
  std::string storages = test::little_endian(2, 8) + floats({1, 2});
  std::string bytes() const { return magic + version + machine + data + keys + storages; }
};

TEST(HostileCheckpoint, LegacyFormat) {
  EXPECT_EQ(to_f32(read(Legacy().bytes()).at("w")), (std::vector{1.f, 2.f}));
  EXPECT_ERROR(read(Legacy{.version = file(integer(1002))}.bytes()), MOLRT_ERROR_FORMAT, "1001");
  EXPECT_ERROR(read(Legacy{.machine = file(dict({{"little_endian", "\x89"}}))}.bytes()),
               MOLRT_ERROR_UNSUPPORTED, "big-endian");
  EXPECT_ERROR(read(Legacy{.keys = file(list({text("8")}))}.bytes()), MOLRT_ERROR_UNSUPPORTED,
               "re-save");
  EXPECT_ERROR(
      read(Legacy{.keys = file(list({text("7"), text("7")})), .storages = std::string(16, '\0')}
               .bytes()),
      MOLRT_ERROR_FORMAT, "twice");
  for (const uint64_t count : {uint64_t{3}, uint64_t{1} << 62, UINT64_MAX}) {
    EXPECT_ERROR(read(Legacy{.storages = test::little_endian(count, 8) + floats({1, 2})}.bytes()),
                 MOLRT_ERROR_FORMAT, "before 1.6");
  }
  EXPECT_ERROR(read(Legacy{.storages = test::little_endian(1, 8) + floats({1, 2})}.bytes()),
               MOLRT_ERROR_FORMAT, "expected 2 elements");
}

}  // namespace
}  // namespace molrt
