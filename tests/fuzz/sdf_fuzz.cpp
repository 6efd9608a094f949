// libFuzzer target: SDF files taken apart into records, and .smi files into lines.
#include "base/error.h"
#include "io/sdf.h"
#include "io/smi.h"
#include "must.h"

namespace molrt::fuzz {
namespace {

ByteStreamPtr text_of(std::string_view bytes) {
  return decode_text(unpack_gzip(memory_bytes(bytes)), "");
}

uint64_t read(RecordReader& reader) {
  uint64_t rows = 0, line = 0;
  for (Record record; reader.next(record); ++rows) {
    must(record.fields.size() == reader.header().size(), "a field for each column");
    must(record.row == rows + 1, "rows are counted from 1");
    must(record.line > line, "records begin in lines of their own");
    line = record.line;
  }
  return rows;
}

void read_sdf(std::string_view bytes) {
  SdfScanner scanner(text_of(bytes));
  uint64_t records = 0;
  while (scanner.next()) ++records;
  SdfReader reader(text_of(bytes), scanner.properties());
  must(read(reader) == records, "as many records as were scanned");
}

}  // namespace
}  // namespace molrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) try {
  using namespace molrt;
  using namespace molrt::fuzz;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  SmiReader lines(memory_bytes(bytes));
  try {
    read(lines);
  } catch (const Error&) {
  }
  read_sdf(bytes);
  return 0;
} catch (const molrt::Error&) {
  return 0;
}
