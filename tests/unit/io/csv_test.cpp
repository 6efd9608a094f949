#include "io/csv.h"

#include <gtest/gtest.h>

#include <ostream>
#include <random>

#include "base/error.h"

namespace molrt {
namespace {

using Fields = std::vector<std::string>;

// The header, then the rows; 0: the delimiter is found.
std::vector<Fields> read(const std::string& text, char delimiter = 0) {
  CsvReader reader(memory_bytes(text), delimiter);
  std::vector<Fields> table = {reader.header()};
  for (Record record; reader.next(record);) table.push_back(record.fields);
  return table;
}

struct Row {
  Fields fields;
  uint64_t line;
  std::string problem;
  bool operator==(const Row&) const = default;
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.line << ": " << ::testing::PrintToString(row.fields) << " " << row.problem;
}

std::vector<Row> rows(const std::string& text) {
  CsvReader reader(memory_bytes(text), ',');
  std::vector<Row> rows;
  for (Record record; reader.next(record);) {
    EXPECT_EQ(record.row, rows.size() + 1);
    EXPECT_EQ(record.fields.size(), reader.header().size());
    rows.push_back({record.fields, record.line, record.problem});
  }
  return rows;
}

const std::string open_quote = "has a quote that is not closed";
const std::string behind_quote = "has text behind a closing quote";

std::string failure(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), MOLRT_ERROR_FORMAT);
    return error.what();
  }
  return "no failure";
}

TEST(CsvTest, KeepsFieldsByteForByte) {
  EXPECT_EQ(read("a,b\n 1.50 ,\tx y \n"), (std::vector<Fields>{{"a", "b"}, {" 1.50 ", "\tx y "}}));
  EXPECT_EQ(read("a,b\n\"x,\"\"y\"\"\r\nz\",\xC3\xA9\xFF\n"),
            (std::vector<Fields>{{"a", "b"}, {"x,\"y\"\r\nz", "\xC3\xA9\xFF"}}));
}

TEST(CsvTest, KnowsEveryLineEnd) {
  const std::vector<Fields> table = {{"a", "b"}, {"1", ""}, {"", "2"}};
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    EXPECT_EQ(read("a,b" + end + "1," + end + ",2" + end), table);
    EXPECT_EQ(read("a,b" + end + "1," + end + ",2"), table);
    EXPECT_EQ(read(end + "a,b" + end + end + "1," + end + "  " + end + end + ",2" + end + end),
              table);
  }
}

TEST(CsvTest, DropsTheByteOrderMark) {
  EXPECT_EQ(read("\xEF\xBB\xBF\"a b\",c\n1,2\n"), (std::vector<Fields>{{"a b", "c"}, {"1", "2"}}));
}

TEST(CsvTest, ABlankLineBetweenRowsOfOneColumnIsARow) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    EXPECT_EQ(read("a" + end + end + "C" + end + end + end + "N" + end + end + end),
              (std::vector<Fields>{{"a"}, {""}, {"C"}, {""}, {""}, {"N"}}));
  }
}

TEST(CsvTest, FillsUpShortRows) {
  EXPECT_EQ(read("a,b,c\n1\n2,3\n"),
            (std::vector<Fields>{{"a", "b", "c"}, {"1", "", ""}, {"2", "3", ""}}));
}

TEST(CsvTest, TellsRowAndLine) {
  CsvReader reader(memory_bytes("a,b\r\n1,\"x\r\ny\nz\"\r\n\r\n2,3\n"));
  Record record;
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(record.row, 1u);
  EXPECT_EQ(record.line, 2u);
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(record.row, 2u);
  EXPECT_EQ(record.line, 6u);
  EXPECT_FALSE(reader.next(record));
}

TEST(CsvTest, TellsTheLinesOfBlankRows) {
  CsvReader reader(memory_bytes("a\nC\n\n\nN\n"));
  std::vector<uint64_t> lines;
  for (Record record; reader.next(record);) lines.push_back(record.line);
  EXPECT_EQ(lines, (std::vector<uint64_t>{2, 3, 4, 5}));
}

TEST(CsvTest, OtherDelimiters) {
  EXPECT_EQ(read("a\tb,c\n1\t\"2\t3\"\n", '\t'),
            (std::vector<Fields>{{"a", "b,c"}, {"1", "2\t3"}}));
}

TEST(CsvTest, FindsTheDelimiter) {
  const std::vector<Fields> table = {{"id", "x y"}, {"1", "C"}};
  EXPECT_EQ(read("id\tx y\n1\tC\n"), table);
  EXPECT_EQ(read("id;x y\n1;C\n"), table);
  EXPECT_EQ(read("id,x y\n1,C\n"), table);
  EXPECT_EQ(read("\n\"id\";\"x y\"\r\n1;C\n"), table);
  EXPECT_EQ(read("id\tx y"), (std::vector<Fields>{{"id", "x y"}}));
  // By the first row, where the header could be two; else what the header has more of.
  EXPECT_EQ(read("a;b;c,d\n1;2,5;3\n")[0], (Fields{"a", "b", "c,d"}));
  EXPECT_EQ(read("a,b;c;d\n1,2\n")[0], (Fields{"a", "b;c;d"}));
  EXPECT_EQ(read("\"a,b,c\";d\n1;2\n")[0], (Fields{"a,b,c", "d"}));
  EXPECT_EQ(read("a;b;c,d\n")[0], (Fields{"a", "b", "c,d"}));
  EXPECT_EQ(read("smiles\nC\n")[0], Fields{"smiles"});
}

TEST(CsvTest, ARowTooLongIsARowWithAProblem) {
  EXPECT_EQ(rows("a,b\n1,2\n1,2,3\n4,5\n"),
            (std::vector<Row>{{{"1", "2"}, 2, ""},
                              {{"1", "2"}, 3, "has 3 fields, but the header has 2 columns"},
                              {{"4", "5"}, 4, ""}}));
  EXPECT_EQ(rows("a,b\n1,2,,\n"), (std::vector<Row>{{{"1", "2"}, 2, ""}}));
}

TEST(CsvTest, ABrokenQuoteCostsItsLineOnly) {
  const Row last = {{"3", "4"}, 3, ""};
  EXPECT_EQ(rows("a,b\n1,\"2\n3,4\n"), (std::vector<Row>{{{"1", "\"2"}, 2, open_quote}, last}));
  EXPECT_EQ(rows("a,b\n1,\"2\" \n3,4\n"),
            (std::vector<Row>{{{"1", "\"2\" "}, 2, behind_quote}, last}));
  // The next quote seems to close it.
  EXPECT_EQ(rows("a,b\n1,\"2\n3,4\n5,\"6\"\n"),
            (std::vector<Row>{{{"1", "\"2"}, 2, behind_quote}, last, {{"5", "6"}, 4, ""}}));
  EXPECT_EQ(rows("a,b\n1,\"2\n3,4\n5,6\",7\n"),
            (std::vector<Row>{{{"1", "\"2"}, 2, open_quote},
                              last,
                              {{"5", "6\""}, 4, "has 3 fields, but the header has 2 columns"}}));
  // Inside of a field that does not begin with one it is a character.
  EXPECT_EQ(rows("a,b\n1,5\" pipe\n3,4\n"), (std::vector<Row>{{{"1", "5\" pipe"}, 2, ""}, last}));
}

TEST(CsvTest, AnOpenQuoteIsNotFollowedForEver) {
  std::string text = "a,b\n1,\"2\n";
  for (int i = 0; i < 300000; ++i) text += "3,4\n";
  CsvReader reader(memory_bytes(text), ',');
  Record record;
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(record.problem, open_quote);
  uint64_t good = 0;
  while (reader.next(record)) good += record.problem.empty();
  EXPECT_EQ(good, 300000u);
  EXPECT_EQ(reader.counts().bad_records, 1u);
}

TEST(CsvTest, CountsWhatItSaw) {
  CsvReader reader(memory_bytes("a,b,c\n1,2,3\n1\n\xFF,2\n1,2,3,4\n"));
  for (Record record; reader.next(record);) {
  }
  EXPECT_EQ(reader.counts().short_records, 2u);
  EXPECT_EQ(reader.counts().first_short_line, 3u);
  EXPECT_EQ(reader.counts().bad_records, 1u);
  EXPECT_EQ(reader.counts().not_utf8_line, 4u);
}

TEST(CsvTest, KeepsColumnsOfOneName) {
  EXPECT_EQ(read("a,b,a\n1,2,3\n"), (std::vector<Fields>{{"a", "b", "a"}, {"1", "2", "3"}}));
}

TEST(CsvTest, ThousandsOfColumns) {
  constexpr size_t columns = 5000;
  Fields header;
  for (size_t i = 0; i < columns; ++i) header.push_back("column " + std::to_string(i));
  std::string text;
  append_csv_record(text, header);
  append_csv_record(text, header);
  EXPECT_EQ(read(text), (std::vector<Fields>{header, header}));
}

TEST(CsvTest, RefusesWhatIsNoTable) {
  EXPECT_NE(failure("").find("header"), std::string::npos);
  EXPECT_NE(failure("\n\n").find("header"), std::string::npos);
  EXPECT_NE(failure("a,\"b\n1,2\n").find("header in line 1 " + open_quote), std::string::npos);
  EXPECT_NE(failure("smiles\nC\tx\n").find("line 2 (row 1) has a tab"), std::string::npos);
  EXPECT_NE(failure(std::string("a,b\n1,\0\n", 8)).find("zero byte after line"), std::string::npos);
}

TEST(CsvTest, QuotesOnlyWhereItMust) {
  std::string text;
  append_csv_record(text, {"a b", "", "x,y", "q\"", "n\n", " z "});
  append_csv_record(text, {""});
  append_csv_record(text, {"x,y", "\t"}, '\t');
  EXPECT_EQ(text, "a b,,\"x,y\",\"q\"\"\",\"n\n\", z \n\"\"\nx,y\t\"\t\"\n");
}

// Whatever the fields hold, they survive: tables of random bytes, longer than the reader's blocks.
TEST(CsvTest, WhatWasWrittenIsReadBack) {
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
