#include "io/safetensors.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "support/expect_error.h"
#include "unit/io/build_archive.h"

namespace molrt {
namespace {

std::string framed(const std::string& header, const std::string& data) {
  return test::little_endian(header.size(), 8) + header + data;
}

// The source goes out of scope: views must keep their bytes.
Safetensors read(const std::string& bytes) { return read_safetensors(*test::source(bytes)); }

std::string info(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

const std::string eight(8, 'x');

TEST(Safetensors, Reads) {
  const std::string header = R"({"__metadata__":{"k":"v"},"b":)" + info("F32", "[1,1]", "[4,8]") +
                             R"(,"a":)" + info("F16", "[2]", "[0,4]") + R"(,"empty":)" +
                             info("I64", "[3,0]", "[4,4]") + "}   ";
  const Safetensors found =
      read(framed(header, std::string("\0\x3c\0\x40", 4) + test::floats({7})));
  EXPECT_EQ(found.metadata, (std::map<std::string, std::string>{{"k", "v"}}));
  ASSERT_EQ(found.tensors.size(), 3u);
  EXPECT_EQ(to_f32(found.tensors.at("a")), (std::vector{1.f, 2.f}));
  EXPECT_EQ(to_f32(found.tensors.at("b")), std::vector{7.f});
  EXPECT_EQ(found.tensors.at("b").shape, (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(found.tensors.at("empty").bytes(), 0u);
  EXPECT_TRUE(read(framed("{}", "")).tensors.empty());
}

TEST(Safetensors, ReadsScalars) {
  const Safetensors found = read(framed(R"({"a":)" + info("F64", "[]", "[0,8]") + "}", eight));
  EXPECT_EQ(found.tensors.at("a").count(), 1u);
}

struct Broken {
  const char* what;
  std::string header;
  std::string data = eight;
  int32_t status = MOLRT_ERROR_FORMAT;
};

std::string one(const std::string& value) { return R"({"a":)" + value + "}"; }
std::string two(const std::string& a, const std::string& b) {
  return R"({"a":)" + info("F32", "[1]", a) + R"(,"b":)" + info("F32", "[1]", b) + "}";
}

TEST(Safetensors, RefusesEachBrokenRule) {
  const std::string good = info("F32", "[2]", "[0,8]");
  EXPECT_EQ(read(framed(one(good), eight)).tensors.size(), 1u);
  const std::vector<Broken> all{
      {"does not begin with '{'", " " + one(good)},
      {"does not begin with '{'", ""},
      {"not valid JSON", one(good) + "}"},
      {"not valid JSON", R"({"a":)"},
      {"not valid JSON", "{\"\xff\":1}"},
      {"\"a\" is there twice", R"({"a":)" + good + R"(,"a":)" + good + "}"},
      {"\"k\" is there twice", R"({"__metadata__":{"k":"1","k":"2"}})", ""},
      {"nested too deeply", "{\"a\":" + std::string(1'000'000, '[')},
      {"__metadata__ is no object", R"({"__metadata__":1})", ""},
      {"\"k\" is no text", R"({"__metadata__":{"k":1}})", ""},
      {"expected an object", one("[]")},
      {"expected an object", one(R"({"dtype":"F32","shape":[2]})")},
      {"expected an object", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})")},
      {"dtype is no text", one(R"({"dtype":1,"shape":[2],"data_offsets":[0,8]})")},
      {"\"a\" has dtype \"F8_E4M3\"", one(info("F8_E4M3", "[8]", "[0,8]")), eight,
       MOLRT_ERROR_UNSUPPORTED},
      {"no array", one(info("F32", "2", "[0,8]"))},
      {"no integer from 0 on: -1", one(info("F32", "[-1]", "[0,8]"))},
      {"no integer from 0 on: 2.0", one(info("F32", "[2.0]", "[0,8]"))},
      {"no integer", one(info("F32", "[18446744073709551615]", "[0,8]"))},
      {"overflows", one(info("F32", "[4611686018427387904,4]", "[0,8]"))},
      {"needs 12 bytes", one(info("F32", "[3]", "[0,8]"))},
      {"two rising data_offsets", one(info("F32", "[2]", "[8,0]"))},
      {"two rising data_offsets", one(info("F32", "[2]", "[0]"))},
      {"two rising data_offsets", one(info("F32", "[2]", "[0,8,8]"))},
      {"truncated", one(info("F32", "[4]", "[0,16]"))},
      {"\"b\": overlaps", two("[0,4]", "[2,6]"), std::string(6, 'x')},
      {"overlaps", two("[0,4]", "[0,4]"), std::string(4, 'x')},
      {"hole", two("[0,4]", "[5,9]"), std::string(9, 'x')},
      {"hole", one(info("F32", "[1]", "[4,8]"))},
      {"the data ends at", one(good), eight + "x"},
  };
  for (const Broken& broken : all) {
    SCOPED_TRACE(broken.header.substr(0, 100));
    EXPECT_ERROR(read(framed(broken.header, broken.data)), broken.status, broken.what);
  }
}

TEST(Safetensors, RefusesLongHeaders) {
  EXPECT_ERROR(read(test::little_endian(100'000'001, 8) + "{}"), MOLRT_ERROR_FORMAT, "100 MB");
  EXPECT_ERROR(read(test::little_endian(UINT64_MAX, 8) + "{}"), MOLRT_ERROR_FORMAT, "100 MB");
  EXPECT_ERROR(read(test::little_endian(3, 8) + "{}"), MOLRT_ERROR_FORMAT, "truncated");
  EXPECT_ERROR(read("1234"), MOLRT_ERROR_FORMAT, "header length");
}

TEST(Safetensors, LimitsEntries) {
  std::string shape = "[1";
  for (int i = 0; i < 5'000'000; ++i) shape += ",1";
  EXPECT_ERROR(read(framed(one(info("F32", shape + "]", "[0,4]")), "xxxx")), MOLRT_ERROR_FORMAT,
               "too many entries");
}

TEST(Safetensors, IsRecognised) {
  const auto looks = [](const std::string& bytes) {
    return looks_like_safetensors(*test::source(bytes));
  };
  EXPECT_TRUE(looks(framed("{}", "")));
  EXPECT_TRUE(looks(framed(one(info("F32", "[2]", "[0,8]")), "").substr(0, 20)));
  EXPECT_FALSE(looks(""));
  EXPECT_FALSE(looks("12345678"));
  EXPECT_FALSE(looks(framed("[]", "")));
  EXPECT_FALSE(looks(test::archive("N", {})));
}

TEST(Safetensors, SurvivesFlippedBytes) {
  const std::string bytes =
      framed(R"({"__metadata__":{"k":"v"},"a":)" + info("F32", "[2]", "[0,8]") + "}", eight);
  for (size_t place = 0; place < bytes.size(); ++place) {
    for (int value = 0; value < 256; value += 3) {
      std::string flipped = bytes;
      flipped[place] = static_cast<char>(value);
      try {
        for (const auto& [name, tensor] : read(flipped).tensors) (void)to_f32(tensor);
      } catch (const Error&) {
      }
    }
  }
}

// ---- writing

class SafetensorsFile : public testing::Test {
 protected:
  ~SafetensorsFile() override { std::filesystem::remove(path_); }

  void write(const TensorMap& tensors, const std::map<std::string, std::string>& metadata) {
    AtomicFile file(path_);
    write_safetensors(file, tensors, metadata);
    file.commit();
  }

  std::string path_ =
      (std::filesystem::temp_directory_path() / ("molrt-safetensors-" + std::to_string(getpid())))
          .string();
};

TensorMap mixed() {
  const auto integers = std::make_shared<std::vector<int64_t>>(std::vector<int64_t>{-5});
  return {{"a", convert(make_tensor({3}, {1, 2, 3}), Dtype::f16)},
          {"b", make_tensor({2, 1}, {4, 5})},
          {"c \"\n\xc3\xa9", make_tensor({}, {6})},
          {"d", tensor_at(Dtype::i64, {1}, integers->data(), integers)},
          {"e", make_tensor({0, 7}, {})}};
}

TEST_F(SafetensorsFile, RoundTrips) {
  const std::map<std::string, std::string> metadata{{"text", "a\nb\xc3\xa9\""}, {"empty", ""}};
  const TensorMap tensors = mixed();
  write(tensors, metadata);
  const Safetensors found = read_safetensors(*ByteSource::open_file(path_));
  EXPECT_EQ(found.metadata, metadata);
  ASSERT_EQ(found.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const Tensor& other = found.tensors.at(name);
    EXPECT_EQ(other.dtype, tensor.dtype);
    EXPECT_EQ(other.shape, tensor.shape);
    const auto bytes = other.hold();
    EXPECT_TRUE(std::equal(bytes.get(), bytes.get() + other.bytes(), tensor.hold().get())) << name;
    const size_t misaligned = reinterpret_cast<uintptr_t>(bytes.get()) % dtype_size(other.dtype);
    EXPECT_EQ(misaligned, 0u) << name;
  }
}

TEST_F(SafetensorsFile, AlignsTheData) {
  for (size_t extra = 0; extra < 70; ++extra) {
    write({{std::string(extra + 1, 'n'), make_tensor({1}, {1})}}, {});
    std::ifstream file(path_, std::ios::binary);
    uint64_t length;
    file.read(reinterpret_cast<char*>(&length), sizeof length);
    EXPECT_EQ((8 + length) % 64, 0u);
  }
}

TEST_F(SafetensorsFile, WritesTheSameBytesForTheSameTensors) {
  write(mixed(), {{"k", "v"}});
  const auto first = ByteSource::open_file(path_);
  write(mixed(), {{"k", "v"}});
  const auto second = ByteSource::open_file(path_);
  ASSERT_EQ(first->size(), second->size());
  EXPECT_EQ(std::memcmp(first->read(0, first->size(), "").data(),
                        second->read(0, second->size(), "").data(), first->size()),
            0);
}

TEST_F(SafetensorsFile, RefusesWhatNobodyCouldRead) {
  EXPECT_ERROR(write({{"\xff", make_tensor({1}, {1})}}, {}), MOLRT_ERROR_INVALID_ARGUMENT, "UTF-8");
  EXPECT_ERROR(write({}, {{"k", "\xff"}}), MOLRT_ERROR_INVALID_ARGUMENT, "UTF-8");
  EXPECT_ERROR(write({{"__metadata__", make_tensor({1}, {1})}}, {}), MOLRT_ERROR_INVALID_ARGUMENT,
               "__metadata__");
  EXPECT_ERROR(write({}, {{"k", std::string(100'000'000, 'x')}}), MOLRT_ERROR_INVALID_ARGUMENT,
               "100 MB");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace molrt
