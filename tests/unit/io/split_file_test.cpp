#include "io/split_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "molrt.h"
#include "support/expect_error.h"

namespace molrt {
namespace {

using Parts = std::vector<int32_t>;
constexpr int32_t T = MOLRT_PART_TRAIN, X = MOLRT_PART_TEST, N = MOLRT_PART_NONE;

class SplitFile : public testing::Test {
 protected:
  ~SplitFile() override { std::filesystem::remove(path_); }
  Parts read(const std::string& text, size_t rows) {
    std::ofstream(path_) << text;
    return read_split_file(path_, rows);
  }
  std::string path_ = testing::TempDir() + "split.json";
};

TEST_F(SplitFile, TakesListsAndRanges) {
  EXPECT_EQ(read(R"([{"train": [0, 3], "val": "1-2, 5", "test": [4]}])", 7),
            (Parts{T, 0, 0, T, X, 0, N}));
  EXPECT_EQ(read(R"({"train": "0-2"})", 3), (Parts{T, T, T}));
}

TEST_F(SplitFile, TakesFolds) {
  EXPECT_EQ(read(R"([{"train": [0, 2], "valid": [1], "test": [3]},
                     {"train": [0, 1], "valid": [2], "test": [3]}])",
                 4),
            (Parts{T, 0, 1, X}));
}

TEST_F(SplitFile, IsWrittenAsItIsRead) {
  for (const Parts& parts : {Parts{T, 0, 1, X, N, 2, 0}, Parts{T, T, X}, Parts{0, 1}}) {
    write_split_file(path_, parts);
    EXPECT_EQ(read_split_file(path_, parts.size()), parts);
  }
}

TEST_F(SplitFile, TellsWhatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "empty"},
      {"[1", "no JSON"},
      {"3", "expected an array"},
      {"[]", "expected an array"},
      {"[[0, 1]]", "fold 0: expected an object"},
      {R"([{"val": [0]}])", "fold 0: has no \"train\""},
      {R"([{"train": [0], "holdout": [1]}])", "\"holdout\": expected \"train\""},
      {R"([{"train": {"0": 1}}])", "neither an array nor a text"},
      {R"([{"train": [0, "1"]}])", "expected row numbers from 0"},
      {R"([{"train": [-1]}])", "\"train\" has -1"},
      {R"([{"train": [1.5]}])", "\"train\" has 1.5"},
      {R"([{"train": [4]}])", "row 4, but the table's rows are 0 to 3"},
      {R"([{"train": "0-99999999999"}])", "row 4, but the table's"},
      {R"([{"train": "2-1"}])", "ends before it begins"},
      {R"([{"train": "1-"}])", "expected row numbers such as"},
      {R"([{"train": "a"}])", "expected row numbers such as"},
      {R"([{"train": [0, 1], "val": [1]}])", "row 1 is in \"train\" and again in \"val\""},
      {R"([{"train": [0, 0]}])", "row 0 is in \"train\" and again in \"train\""},
      {R"([{"train": [0], "val": [1]}, {"train": [0], "val": [1]}])",
       "row 1 is held out by fold 0 and by fold 1"},
      {R"([{"train": [0, 2], "val": [1]}, {"train": [0], "val": [2]}])",
       "row 1: 0 folds train on it, 1 hold it out"},
      {R"([{"train": [0, 1], "val": [2], "test": [3]}, {"train": [0, 2, 3], "val": [1]}])",
       "row 3: 1 folds train on it"},
      {R"([{"train": [0], "val": [1]}, {"train": [0, 1]}])", "fold 1: \"val\" holds no row out"},
  };
  for (const auto& [text, words] : wrong)
    EXPECT_ERROR(read(text, 4), *text ? MOLRT_ERROR_FORMAT : MOLRT_ERROR_IO, words);
  EXPECT_ERROR(read_split_file("/no/such", 1), MOLRT_ERROR_IO, "/no/such");
}

}  // namespace
}  // namespace molrt
