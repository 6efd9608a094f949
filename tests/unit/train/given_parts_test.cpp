#include "train/given_parts.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace molrt {
namespace {

TEST(GivenParts, WordsAndNumbers) {
  for (const char* word : {"train", " Training "}) EXPECT_EQ(part_of_word(word), MOLRT_PART_TRAIN);
  for (const char* word : {"valid", "VAL", "validation", "dev", "0"})
    EXPECT_EQ(part_of_word(word), 0);
  EXPECT_EQ(part_of_word("Test"), MOLRT_PART_TEST);
  EXPECT_EQ(part_of_word("12"), 12);
  for (const char* word : {"", "-1", "1.0", "trian", "1000", "3 4", "99999999999999999999"})
    EXPECT_ERROR(part_of_word(word), MOLRT_ERROR_INVALID_ARGUMENT, "expected train, valid, test");
}

TEST(GivenParts, FoldsAreCounted) {
  EXPECT_EQ(count_given_folds(std::vector<int32_t>{-1, 0, 2, 1, -2, -3}), 3u);
  EXPECT_EQ(count_given_folds(std::vector<int32_t>{-1, -1}), 1u);
  EXPECT_ERROR(count_given_folds(std::vector<int32_t>{1, 2}), MOLRT_ERROR_INVALID_ARGUMENT,
               "no row is in fold 0 of the folds 0 to 2");
  EXPECT_ERROR(count_given_folds(std::vector<int32_t>{0, -4}), MOLRT_ERROR_INVALID_ARGUMENT,
               "row 2: part -4");
  EXPECT_ERROR(count_given_folds(std::vector<int32_t>{0, 1000}), MOLRT_ERROR_INVALID_ARGUMENT,
               "part 1000");
}

}  // namespace
}  // namespace molrt
