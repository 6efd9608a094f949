// libFuzzer target: the reader of tables, and whether what it read survives being written.
#include "base/error.h"
#include "io/csv.h"
#include "must.h"

namespace molrt::fuzz {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// The header first.
Rows read(ByteStreamPtr text, char delimiter) {
  CsvReader reader(std::move(text), delimiter);
  Rows rows{reader.header()};
  uint64_t line = 0;
  for (Record record; reader.next(record);) {
    must(record.fields.size() == reader.header().size(), "a field for each column");
    must(record.row == rows.size(), "rows are counted from 1");
    must(record.line > line, "records begin in lines of their own");
    line = record.line;
    rows.push_back(std::move(record.fields));
  }
  must(reader.counts().short_records < rows.size(), "only records are short");
  return rows;
}

bool read_first(std::string_view bytes, Rows& rows) try {
  rows = read(decode_text(unpack_gzip(memory_bytes(bytes)), ""), 0);
  return true;
} catch (const Error&) {
  return false;
}

}  // namespace
}  // namespace molrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace molrt;
  using namespace molrt::fuzz;
  Rows rows;
  if (!read_first({reinterpret_cast<const char*>(data), size}, rows)) return 0;
  std::string again = "\xEF\xBB\xBF";  // the first field may begin with another one
  for (const auto& row : rows) append_csv_record(again, row);
  must(read(memory_bytes(again), ',') == rows, "what is written reads as it was");
  return 0;
}
