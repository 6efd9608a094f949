#include "io/csv.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "base/error.h"

namespace molrt {
namespace {

using Fields = std::vector<std::string>;

class CsvTest : public ::testing::Test {
 protected:
  ~CsvTest() override { unlink(path_.c_str()); }

  const std::string& file(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return path_;
  }

  // The header, then the rows.
  std::vector<Fields> read(const std::string& text, char delimiter = ',') {
    CsvReader reader(file(text), delimiter);
    std::vector<Fields> table = {reader.header()};
    for (CsvRecord record; reader.next(record);) table.push_back(record.fields);
    return table;
  }

  std::string failure(const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), MOLRT_ERROR_FORMAT);
      return error.what();
    }
    return "no failure";
  }

  std::string path_ = ::testing::TempDir() + "csv_test." + std::to_string(getpid());
};

TEST_F(CsvTest, KeepsFieldsByteForByte) {
  EXPECT_EQ(read("a,b\n 1.50 ,\tx y \n"), (std::vector<Fields>{{"a", "b"}, {" 1.50 ", "\tx y "}}));
  EXPECT_EQ(read("a,b\n\"x,\"\"y\"\"\r\nz\",\xC3\xA9\xFF\n"),
            (std::vector<Fields>{{"a", "b"}, {"x,\"y\"\r\nz", "\xC3\xA9\xFF"}}));
}

TEST_F(CsvTest, KnowsEveryLineEnd) {
  const std::vector<Fields> table = {{"a", "b"}, {"1", ""}, {"", "2"}};
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    EXPECT_EQ(read("a,b" + end + "1," + end + ",2" + end), table);
    EXPECT_EQ(read("a,b" + end + "1," + end + ",2"), table);
    EXPECT_EQ(read(end + "a,b" + end + end + "1," + end + "  " + end + end + ",2" + end + end),
              table);
  }
}

TEST_F(CsvTest, DropsTheByteOrderMark) {
  EXPECT_EQ(read("\xEF\xBB\xBF\"a b\",c\n1,2\n"), (std::vector<Fields>{{"a b", "c"}, {"1", "2"}}));
}

TEST_F(CsvTest, ABlankLineBetweenRowsOfOneColumnIsARow) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    EXPECT_EQ(read("a" + end + end + "C" + end + end + end + "N" + end + end + end),
              (std::vector<Fields>{{"a"}, {""}, {"C"}, {""}, {""}, {"N"}}));
  }
}

TEST_F(CsvTest, FillsUpShortRows) {
  EXPECT_EQ(read("a,b,c\n1\n2,3\n"),
            (std::vector<Fields>{{"a", "b", "c"}, {"1", "", ""}, {"2", "3", ""}}));
}

TEST_F(CsvTest, TellsRowAndLine) {
  CsvReader reader(file("a,b\r\n1,\"x\r\ny\nz\"\r\n\r\n2,3\n"));
  CsvRecord record;
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(record.row, 1u);
  EXPECT_EQ(record.line, 2u);
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(record.row, 2u);
  EXPECT_EQ(record.line, 6u);
  EXPECT_FALSE(reader.next(record));
}

TEST_F(CsvTest, TellsTheLinesOfBlankRows) {
  CsvReader reader(file("a\nC\n\n\nN\n"));
  std::vector<uint64_t> lines;
  for (CsvRecord record; reader.next(record);) lines.push_back(record.line);
  EXPECT_EQ(lines, (std::vector<uint64_t>{2, 3, 4, 5}));
}

TEST_F(CsvTest, OtherDelimiters) {
  EXPECT_EQ(read("a\tb,c\n1\t\"2\t3\"\n", '\t'),
            (std::vector<Fields>{{"a", "b,c"}, {"1", "2\t3"}}));
}

TEST_F(CsvTest, RefusesWhatIsNoTable) {
  EXPECT_NE(failure("").find("header"), std::string::npos);
  EXPECT_NE(failure("\n\n").find("header"), std::string::npos);
  EXPECT_NE(failure("id\tsmiles\n1\tC\n").find("tabs and no comma"), std::string::npos);
  EXPECT_NE(failure("id;smiles\n1;C\n").find("semicolons and no comma"), std::string::npos);
  EXPECT_NE(failure("smiles\nC\nC\tx\n").find("line 3 (row 2) has a tab"), std::string::npos);
  EXPECT_NE(failure("\x1F\x8B\b").find("gzip"), std::string::npos);
  EXPECT_NE(failure("a,b\n1,2\n1,2,3\n").find("line 3 (row 2) has 3 fields"), std::string::npos);
  EXPECT_NE(failure("a,b\n1,\"2\n3,4\n").find("line 2"), std::string::npos);
  EXPECT_NE(failure("a,b\n1,2\n1,2\"3\n").find("line 3"), std::string::npos);
  EXPECT_NE(failure("a,b\n1,\"2\" \n").find("line 2"), std::string::npos);
  EXPECT_NE(failure("\xFF\xFE"
                    "a\n")
                .find("UTF-16"),
            std::string::npos);
  EXPECT_NE(failure(std::string("a,b\n1,\0\n", 8)).find("zero byte"), std::string::npos);
  EXPECT_THROW(CsvReader("/no/such/file"), Error);
}

TEST_F(CsvTest, QuotesOnlyWhereItMust) {
  std::string text;
  append_csv_record(text, {"a b", "", "x,y", "q\"", "n\n", " z "});
  append_csv_record(text, {""});
  append_csv_record(text, {"x,y", "\t"}, '\t');
  EXPECT_EQ(text, "a b,,\"x,y\",\"q\"\"\",\"n\n\", z \n\"\"\nx,y\t\"\t\"\n");
}

// Whatever the fields hold, they survive: tables of random bytes, longer than the reader's blocks.
TEST_F(CsvTest, WhatWasWrittenIsReadBack) {
  std::mt19937 random(7);
  for (size_t columns : {1, 2, 7}) {
    const std::string alphabet = columns == 1 ? "a,\"\r\n \xC3" : "a,\"\r\n \xC3\t;";
    std::vector<Fields> table;
    std::string text;
    for (size_t row = 0; row < 5000; ++row) {
      Fields fields(columns);
      for (auto& field : fields) {
        for (size_t size = random() % 12; size > 0; --size)
          field += alphabet[random() % alphabet.size()];
      }
      fields[0] += "x";  // no row is blank
      append_csv_record(text, fields);
      table.push_back(fields);
    }
    EXPECT_EQ(read(text), table);
  }
}

}  // namespace
}  // namespace molrt
