#include "io/smi.h"

#include <gtest/gtest.h>

namespace molrt {
namespace {

using Fields = std::vector<std::string>;

std::vector<Fields> rows(const std::string& text) {
  SmiReader reader(memory_bytes(text));
  EXPECT_EQ(reader.header(), (Fields{"smiles", "name"}));
  std::vector<Fields> rows;
  for (Record record; reader.next(record);) rows.push_back(record.fields);
  return rows;
}

TEST(SmiTest, ASmilesAndWhateverNamesIt) {
  EXPECT_EQ(
      rows("CCO ethanol\nC\t methane, CH4 \r\n\nO\n  N a\tb"),
      (std::vector<Fields>{{"CCO", "ethanol"}, {"C", "methane, CH4"}, {"O", ""}, {"N", "a\tb"}}));
}

TEST(SmiTest, AHeaderIsKnownByItsFirstWord) {
  const std::vector<Fields> one = {{"C", "x"}};
  EXPECT_EQ(rows("SMILES name\nC x\n"), one);
  EXPECT_EQ(rows("\nsmiles\nC x\n"), one);
  EXPECT_EQ(rows("C x\n"), one);
  EXPECT_EQ(rows("C x\nsmiles\n").size(), 2u);  // not the first
}

TEST(SmiTest, TellsRowAndLine) {
  SmiReader reader(memory_bytes("smiles\n\nC\nO\n"));
  Record record;
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(record.row, 1u);
  EXPECT_EQ(record.line, 3u);
}

}  // namespace
}  // namespace molrt
