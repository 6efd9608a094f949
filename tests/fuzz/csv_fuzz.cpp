// libFuzzer target: the reader of tables, and whether what it read survives being written.
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "io/csv.h"
#include "must.h"

namespace molrt::fuzz {
namespace {

// A file in memory that the reader can open by its path.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("table", MFD_CLOEXEC)) {}
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  void fill(const void* data, size_t size) {
    must(ftruncate(descriptor_, 0) == 0, "the file is emptied");
    must(pwrite(descriptor_, data, size, 0) == static_cast<ssize_t>(size), "the file is written");
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

MemoryFile& file() {
  static MemoryFile the_file;
  return the_file;
}

using Rows = std::vector<std::vector<std::string>>;

// The header first.
Rows read() {
  CsvReader reader(file().path());
  Rows rows{reader.header()};
  uint64_t line = 0;
  for (CsvRecord record; reader.next(record);) {
    must(record.fields.size() == reader.header().size(), "a field for each column");
    must(record.row == rows.size(), "rows are counted from 1");
    must(record.line > line, "records begin in lines of their own");
    line = record.line;
    rows.push_back(std::move(record.fields));
  }
  must(reader.short_records() < rows.size(), "only records are short");
  return rows;
}

bool read_first(Rows& rows) try {
  rows = read();
  return true;
} catch (const Error&) {
  return false;
}

}  // namespace
}  // namespace molrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace molrt;
  using namespace molrt::fuzz;
  file().fill(data, size);
  Rows rows;
  if (!read_first(rows)) return 0;
  std::string again;
  for (const auto& row : rows) append_csv_record(again, row);
  file().fill(again.data(), again.size());
  must(read() == rows, "what is written reads as it was");
  return 0;
}
