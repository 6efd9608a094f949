#include <gtest/gtest.h>

#include "io/sdf.h"

namespace molrt {
namespace {

using Fields = std::vector<std::string>;

const std::string block = "name\n  x\n\n  0  0\nM  END\n";

Fields properties(const std::string& text) {
  SdfScanner scanner(memory_bytes(text));
  while (scanner.next()) {
  }
  return scanner.properties();
}

std::vector<Record> records(const std::string& text) {
  SdfReader reader(memory_bytes(text), properties(text));
  std::vector<Record> records;
  for (Record record; reader.next(record);) {
    EXPECT_EQ(record.fields.size(), reader.header().size());
    records.push_back(record);
  }
  return records;
}

TEST(SdfReaderTest, PropertiesAreColumnsInOrderOfAppearance) {
  const std::string text = block + ">  <b>  (1)\n1\n\n> <a <x> z>\n 2\n3 \n\n$$$$\n" + block +
                           "> <c>\n\n> <a <x> z>\n4\n\n> 25 (no name)\n5\n\n$$$$\n";
  EXPECT_EQ(properties(text), (Fields{"b", "a <x> z", "c"}));
  const auto found = records(text);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].fields, (Fields{"name", "1", " 2\n3 ", ""}));
  EXPECT_EQ(found[1].fields, (Fields{"name", "", "4", ""}));
  EXPECT_EQ(found[0].block, block);
  EXPECT_EQ(found[1].line, 14u);
}

TEST(SdfReaderTest, LineEndsAndTheLastRecord) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    std::string text;
    for (char c : block + "> <p>\nv\n\n$$$$\n" + block + "> <p>\nw") {
      text += c == '\n' ? end : std::string(1, c);
    }
    const auto found = records(text);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].block, block);
    EXPECT_EQ(found[1].fields, (Fields{"name", "w"}));
  }
}

TEST(SdfReaderTest, EmptyRecordsAreRowsAndBlankLinesAtTheEndAreNone) {
  EXPECT_EQ(records("$$$$\n" + block + "$$$$\n$$$$\n\n \n").size(), 3u);
  EXPECT_EQ(records("\n\n").size(), 0u);
  EXPECT_EQ(records("").size(), 0u);
}

TEST(SdfReaderTest, BrokenRecordsAreRows) {
  const auto found = records("half a\n$$$$\n" + block + "\n" + block + "$$$$\n" + block);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].block, "half a\n");
  EXPECT_EQ(found[0].problem, "");  // for the library to tell
  EXPECT_EQ(found[1].problem, "has a second molecule that ends in line 13; $$$$ is missing");
  EXPECT_EQ(found[2].problem, "");
}

TEST(SdfReaderTest, LooksLikeSdf) {
  EXPECT_TRUE(looks_like_sdf("\n\n\n  1  0  0     0  0            999 V2000\n"));
  EXPECT_TRUE(looks_like_sdf("a\r\nb\r\nc\r\n  0  0  0     0  0            999 V3000\r\nd"));
  EXPECT_FALSE(looks_like_sdf("smiles\nC\nC\nC\nV2000\n"));
  EXPECT_FALSE(looks_like_sdf("a V2000\n"));
}

}  // namespace
}  // namespace molrt
