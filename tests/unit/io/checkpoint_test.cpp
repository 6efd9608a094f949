#include "io/checkpoint.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "support/expect_error.h"
#include "support/npz.h"
#include "unit/io/build_archive.h"

namespace molrt {
namespace {

using namespace test::pickled;
using test::archive;
using test::floats;
using test::golden_path;

TensorMap load(const std::string& golden) {
  return read_torch_checkpoint(*ByteSource::open_file(golden_path(golden)));
}

TensorMap read(const std::string& bytes) { return read_torch_checkpoint(*test::source(bytes)); }

using Shape = std::vector<int64_t>;

// ---- golden files; the numbers are NumPy's reading of the same files

struct Golden {
  const char* file;
  size_t tensors;
  size_t bytes;
  Shape embedding;
  double embedding_sum;
};

class GoldenCheckpoint : public testing::TestWithParam<Golden> {};

TEST_P(GoldenCheckpoint, IsRead) {
  const Golden& golden = GetParam();
  const TensorMap tensors = load(golden.file);
  size_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += tensor.bytes();
  EXPECT_EQ(tensors.size(), golden.tensors);
  EXPECT_EQ(bytes, golden.bytes);
  const Tensor& embedding = tensors.at("embed_tokens.weight");
  EXPECT_EQ(embedding.shape, golden.embedding);
  const std::vector<float> values = to_f32(embedding);
  EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.), golden.embedding_sum, 1e-9);
}

INSTANTIATE_TEST_SUITE_P(
    All, GoldenCheckpoint,
    testing::Values(Golden{"molecule_linear.pth", 51, 489772, {31, 64}, 65.33773981532869},
                    Golden{"molecule_linear_bare.pth", 51, 489772, {31, 64}, 65.33773981532869},
                    Golden{"molecule_linear_torch2.pth", 51, 489772, {31, 64}, 65.33773981532869},
                    Golden{"molecule_linear_legacy.pth", 51, 489772, {31, 64}, 65.33773981532869},
                    Golden{"molecule_linear_f16.pth", 51, 244886, {31, 64}, 65.34489327669144},
                    Golden{"molecule_odd.pth", 39, 375592, {31, 72}, 40.401948348382575},
                    Golden{"molecule_pooler.pth", 53, 506932, {31, 64}, 76.30220552678657},
                    Golden{"molecule_pretrained.pt", 67, 515500, {31, 64}, 65.33773981532869},
                    Golden{"oled_linear.pth", 56, 5226564, {94, 64}, -45.27732915392471},
                    Golden{"oled_pretrained.pt", 72, 5268672, {94, 64}, -45.27732915392471}),
    [](const auto& info) {
      std::string name = info.param.file;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
      return name;
    });

TEST(Checkpoint, TheSameWeightsFromEveryFormat) {
  const TensorMap expected = load("molecule_linear.pth");
  for (const char* file :
       {"molecule_linear_bare.pth", "molecule_linear_torch2.pth", "molecule_linear_legacy.pth"}) {
    const TensorMap found = load(file);
    ASSERT_EQ(found.size(), expected.size()) << file;
    for (const auto& [name, tensor] : expected) {
      ASSERT_TRUE(found.contains(name)) << file << ' ' << name;
      EXPECT_EQ(found.at(name).shape, tensor.shape) << file << ' ' << name;
      EXPECT_EQ(std::memcmp(found.at(name).hold().get(), tensor.hold().get(), tensor.bytes()), 0)
          << name;
    }
  }
}

TEST(Checkpoint, NarrowWeightsAreTheRoundedOnes) {
  const TensorMap expected = load("molecule_linear.pth");
  for (const auto& [file, dtype] : {std::pair{"molecule_linear_f16.pth", Dtype::f16},
                                    std::pair{"molecule_linear_bf16.pth", Dtype::bf16}}) {
    const TensorMap found = load(file);
    ASSERT_EQ(found.size(), expected.size());
    for (const auto& [name, tensor] : expected) {
      const Tensor rounded = convert(tensor, dtype);
      ASSERT_EQ(found.at(name).dtype, dtype) << name;
      const auto bytes = found.at(name).hold();
      EXPECT_EQ(std::memcmp(bytes.get(), rounded.hold().get(), rounded.bytes()), 0) << name;
    }
  }
}

TEST(Checkpoint, TensorsOutliveTheSource) {
  const TensorMap tensors = load("molecule_linear.pth");
  EXPECT_TRUE(std::isfinite(to_f32(tensors.at("embed_tokens.weight")).back()));
}

TEST(Checkpoint, ReadsOnlyTheModelOfATrainerCheckpoint) {
  const auto source = ByteSource::open_file(golden_path("oled_pretrained.pt"));
  size_t bytes = 0;
  for (const auto& [name, tensor] : read_torch_checkpoint(*source)) bytes += tensor.bytes();
  EXPECT_GE(source->bytes_read(), bytes);
  EXPECT_LE(source->bytes_read(), bytes + 40'000);  // directory, pickle; the file has 10 MB more
}

// 6 GB of optimizer state, which needs ZIP64; sparse on disk.
TEST(Checkpoint, ReadsLittleOfALargeTrainerCheckpoint) {
  const uint64_t moment = uint64_t{3} << 30;
  const auto moments = [&](const char* key) {
    return tensor(storage("FloatStorage", key, static_cast<int64_t>(moment / 4)), 0,
                  {static_cast<int64_t>(moment / 4)}, {1});
  };
  const std::string weight = tensor(storage("FloatStorage", "2", 3), 0, {3}, {1});
  const std::string value =
      dict({{"last_optimizer_state", dict({{"exp_avg", moments("0")}, {"sq", moments("1")}})},
            {"model", ordered_dict({{"w", weight}})}});
  std::string name = (std::filesystem::temp_directory_path() / "molrt-large-XXXXXX").string();
  close(mkstemp(name.data()));
  {
    std::ofstream out(name, std::ios::binary);
    test::write_zip(out, {{"t/data.pkl", test::pickled::file(value)},
                          {.name = "t/data/0", .payload = "", .hole = moment},
                          {.name = "t/data/1", .payload = "", .hole = moment},
                          {"t/data/2", floats({1, 2, 3})}});
  }
  const auto source = ByteSource::open_file(name);
  std::filesystem::remove(name);
  EXPECT_GT(source->size(), uint64_t{6} << 30);
  const TensorMap tensors = read_torch_checkpoint(*source);
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(to_f32(tensors.at("w")), (std::vector{1.f, 2.f, 3.f}));
  EXPECT_LT(source->bytes_read(), 10'000u);
}

// ---- layouts of the file

const std::string plain = tensor(storage("FloatStorage", "0", 2), 0, {2}, {1});

std::vector<std::string> names(const std::string& value) {
  std::vector<std::string> found;
  for (const auto& [name, tensor] : read(archive(value, {floats({1, 2}), floats({3, 4})}))) {
    found.push_back(name);
  }
  return found;
}

TEST(Checkpoint, FindsTheStateDict) {
  const std::vector<std::string> expected{"w"};
  const std::string state = dict({{"w", plain}});
  EXPECT_EQ(names(state), expected);
  EXPECT_EQ(names(ordered_dict({{"w", plain}})), expected);
  EXPECT_EQ(names(dict({{"model", state}, {"x", plain}})), expected);
  EXPECT_EQ(names(dict({{"epoch", integer(3)}, {"model_state_dict", state}})), expected);
}

TEST(Checkpoint, RemovesPrefixes) {
  const std::vector<std::string> expected{"w"};
  for (const char* name : {"w", "model.w", "module.w", "module.model.w", "model.module.model.w"}) {
    EXPECT_EQ(names(dict({{name, plain}})), expected) << name;
  }
  EXPECT_EQ(names(dict({{"models.w", plain}})), std::vector<std::string>{"models.w"});
}

TEST(Checkpoint, RefusesNamesThatCollide) {
  EXPECT_ERROR(names(dict({{"w", plain}, {"module.w", plain}})), MOLRT_ERROR_FORMAT,
               "\"w\" is there twice (at last as \"module.w\")");
  EXPECT_ERROR(names(dict({{"w", plain}, {"w", plain}})), MOLRT_ERROR_FORMAT, "twice");
  EXPECT_ERROR(names(dict({{"model.", plain}})), MOLRT_ERROR_FORMAT, "empty");
  EXPECT_ERROR(names(dict({{"\xff", plain}})), MOLRT_ERROR_FORMAT, "UTF-8");
}

TEST(Checkpoint, ReadsParameters) {
  const std::string parameter = reduce(global("torch._utils", "_rebuild_parameter"),
                                       tuple({plain, "\x88", ordered_dict({})}));
  EXPECT_EQ(names(dict({{"w", parameter}})), std::vector<std::string>{"w"});
}

TEST(Checkpoint, SkipsWhatIsNoWeight) {
  const std::string flags = tensor(storage("BoolStorage", "0", 8), 0, {8}, {1});
  const std::string other = reduce(global("os", "system"), tuple({text("exit 1")}));
  EXPECT_EQ(names(dict({{"mask", flags}, {"version", integer(1)}, {"x", other}, {"w", plain}})),
            std::vector<std::string>{"w"});
}

TEST(Checkpoint, RefusesWeightsItCannotRead) {
  const std::string complex = tensor(storage("ComplexFloatStorage", "0", 1), 0, {1}, {1});
  const std::string newer = tensor(storage("Float9Storage", "0", 1), 0, {1}, {1});
  const std::string sparse =
      reduce(global("torch._utils", "_rebuild_sparse_tensor"), tuple({integer(1)}));
  EXPECT_ERROR(names(dict({{"w", complex}})), MOLRT_ERROR_UNSUPPORTED, "ComplexFloatStorage");
  EXPECT_ERROR(names(dict({{"w", newer}})), MOLRT_ERROR_UNSUPPORTED, "Float9Storage");
  EXPECT_ERROR(names(dict({{"w", sparse}})), MOLRT_ERROR_UNSUPPORTED, "_rebuild_sparse_tensor");
}

TEST(Checkpoint, SaysWhatItFoundInstead) {
  const std::string module = reduce(global("unimol", "UniMolModel"), tuple({}));
  EXPECT_ERROR(names(integer(1)), MOLRT_ERROR_FORMAT, "expected a state dict");
  EXPECT_ERROR(names(module), MOLRT_ERROR_FORMAT, "\"unimol\".\"UniMolModel\"");
  EXPECT_ERROR(names(dict({{"model", module}})), MOLRT_ERROR_FORMAT, "state_dict()");
  EXPECT_ERROR(names(dict({{"epoch", integer(1)}})), MOLRT_ERROR_FORMAT, "keys: \"epoch\"");
  EXPECT_ERROR(names(dict({})), MOLRT_ERROR_FORMAT, "keys: none");
}

// ---- storages and strides

std::vector<float> values(const std::string& described) {
  const std::string bytes = floats({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  return to_f32(read(archive(dict({{"w", described}}), {bytes})).at("w"));
}

std::string strided(int64_t offset, const Shape& shape, const Shape& strides) {
  return tensor(storage("FloatStorage", "0", 12), offset, shape, strides);
}

TEST(Checkpoint, FollowsStrides) {
  EXPECT_EQ(values(strided(2, {2, 3}, {3, 1})), (std::vector<float>{2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(values(strided(0, {3, 2}, {1, 3})), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(values(strided(1, {2, 2, 2}, {6, 1, 2})),
            (std::vector<float>{1, 3, 2, 4, 7, 9, 8, 10}));
  EXPECT_EQ(values(strided(3, {4}, {0})), (std::vector<float>{3, 3, 3, 3}));
  EXPECT_EQ(values(strided(3, {1, 2, 1}, {INT64_MAX, 2, INT64_MAX})), (std::vector<float>{3, 5}));
  EXPECT_EQ(values(strided(7, {}, {})), (std::vector<float>{7}));
  EXPECT_EQ(values(strided(12, {3, 0}, {INT64_MAX, INT64_MAX})), (std::vector<float>{}));
}

TEST(Checkpoint, SharesStorages) {
  const std::string value = dict({{"a", strided(0, {12}, {1})}, {"b", strided(4, {2, 2}, {2, 1})}});
  const TensorMap tensors = read(archive(value, {std::string(48, '\0')}));
  EXPECT_EQ(tensors.at("b").hold().get(), tensors.at("a").hold().get() + 4 * sizeof(float));
}

TEST(Checkpoint, RefusesLayoutsThatLeaveTheStorage) {
  const int64_t huge = int64_t{1} << 62;
  for (const std::string& outside :
       {strided(0, {13}, {1}), strided(1, {12}, {1}), strided(0, {2, 2}, {11, 1}),
        strided(0, {2}, {huge}), strided(0, {3, 3}, {huge, huge}), strided(INT64_MAX, {2}, {1}),
        strided(13, {0}, {1}), strided(-1, {1}, {1}), strided(0, {huge, huge}, {1, 1}),
        strided(0, {-1}, {1}), strided(0, {2}, {-1}), strided(0, {2}, {1, 1})}) {
    EXPECT_ERROR(values(outside), MOLRT_ERROR_FORMAT, "tensor \"w\"");
  }
  EXPECT_ERROR(values(strided(0, Shape(9, 1), Shape(9, 1))), MOLRT_ERROR_UNSUPPORTED, "8 dim");
}

TEST(Checkpoint, RefusesTensorsLargerThanTheirStorage) {
  EXPECT_ERROR(values(strided(0, {int64_t{1} << 40}, {0})), MOLRT_ERROR_UNSUPPORTED, "contiguous");
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 1000; ++i) {
    many.emplace_back(std::to_string(i), strided(0, {3, 4}, {1, 3}));
  }
  const std::string shared = dict({{"0", strided(0, {3, 4}, {1, 3})}, {"1", "h\x01"}});
  EXPECT_EQ(read(archive(dict(many), {std::string(48, '\0')})).size(), 1000u);
}

// One pickled tuple of strides and shape, used for ever more copies.
TEST(Checkpoint, LimitsTheBytesItCopies) {
  const int64_t count = 1 << 16;
  std::string value = "}(" + text("a") +
                      tensor(storage("FloatStorage", "0", count), 0, {2, count / 2}, {1, 2}) +
                      "q\x01";
  for (int i = 0; i < 8; ++i) value += text(std::to_string(i)) + "h\x01";
  const std::string bytes = archive(value + "u", {std::string(count * 4, '\0')});
  EXPECT_ERROR(read(bytes), MOLRT_ERROR_UNSUPPORTED, "strided view of a shared storage");
}

TEST(Checkpoint, RefusesStoragesOfAnotherSize) {
  const std::string value = dict({{"w", plain}});
  for (const size_t size : {0, 4, 7, 9, 12}) {
    EXPECT_ERROR(read(archive(value, {std::string(size, '\0')})), MOLRT_ERROR_FORMAT,
                 "expected 2 elements of 4 bytes");
  }
  EXPECT_ERROR(read(archive(value, {})), MOLRT_ERROR_FORMAT, "no storage \"0\"");
  for (const int64_t count : {int64_t{-1}, int64_t{1} << 62, INT64_MAX}) {
    const std::string hostile = tensor(storage("FloatStorage", "0", count), 0, {1}, {1});
    EXPECT_ERROR(read(archive(dict({{"w", hostile}}), {floats({1})})), MOLRT_ERROR_FORMAT, "\"w\"");
  }
}

TEST(Checkpoint, ReadsEveryDtype) {
  const auto one = [](const char* type, int64_t width, const std::string& bytes) {
    const int64_t count = static_cast<int64_t>(bytes.size()) / width;
    const std::string value = dict({{"w", tensor(storage(type, "0", count), 0, {count}, {1})}});
    return to_f32(read(archive(value, {bytes})).at("w"));
  };
  EXPECT_EQ(one("HalfStorage", 2, std::string("\x00\x3c", 2)), std::vector{1.f});
  EXPECT_EQ(one("BFloat16Storage", 2, "\x80\x3f"), std::vector{1.f});
  EXPECT_EQ(one("DoubleStorage", 8, std::string("\0\0\0\0\0\0\xf8\x3f", 8)), std::vector{1.5f});
  EXPECT_EQ(one("LongStorage", 8, std::string("\x05\0\0\0\0\0\0\0", 8)), std::vector{5.f});
}

}  // namespace
}  // namespace molrt
