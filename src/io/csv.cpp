#include "io/csv.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace molrt {
namespace {

constexpr size_t block_size = 1 << 16;

int never(unsigned char) { return 0; }

int keep_open(FILE*) { return 0; }

std::unique_ptr<FILE, int (*)(FILE*)> open_table(const std::string& path) {
  if (path == "-") return {stdin, keep_open};
  FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) fail(MOLRT_ERROR_IO, "{}: cannot be opened: {}", path, std::strerror(errno));
  return {file, std::fclose};
}

uint64_t line_breaks(const std::string& text) {
  uint64_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool lone_return = text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n');
    if (text[i] == '\n' || lone_return) ++count;
  }
  return count;
}

// Not libcsv's writer, which quotes every field.
void append_field(std::string& out, const std::string& field, bool quoted) {
  if (!quoted) {
    out += field;
    return;
  }
  out += '"';
  for (char c : field) out.append(c == '"' ? 2 : 1, c);
  out += '"';
}

bool is_blank(const std::vector<std::string>& fields) {
  return fields.empty() ||
         (fields.size() == 1 && fields[0].find_first_not_of(" \t") == std::string::npos);
}

}  // namespace

CsvReader::CsvReader(const std::string& path, char delimiter)
    : name_(path == "-" ? "standard input" : path), file_(open_table(path)) {
  // Strict: after a stray quote libcsv would otherwise read on and shift the rows that follow.
  csv_init(&parser_.state, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
  csv_set_delim(&parser_.state, static_cast<unsigned char>(delimiter));
  csv_set_space_func(&parser_.state, never);  // blanks belong to the field
  while (header_.empty() && fill()) {
  }
  if (header_.empty()) fail(MOLRT_ERROR_FORMAT, "{}: is empty; a header row is expected", name_);
  if (delimiter == ',') check_delimiter();
}

CsvReader::Parser::~Parser() { csv_free(&state); }

// Read as one column, such a table would give RDKit a whole line as a SMILES.
void CsvReader::check_delimiter() const {
  if (header_.size() > 1) return;
  const char* found = header_[0].find('\t') != std::string::npos  ? "tabs"
                      : header_[0].find(';') != std::string::npos ? "semicolons"
                                                                  : nullptr;
  if (!found) return;
  fail(MOLRT_ERROR_FORMAT, "{}: the header has {} and no comma; molrt reads comma-separated tables",
       name_, found);
}

bool CsvReader::next(CsvRecord& record) {
  while (ready_.empty()) {
    if (!fill()) return false;
  }
  record = std::move(ready_.front());
  ready_.pop_front();
  record.row = ++row_;
  check_fields(record);
  if (record.fields.size() < header_.size()) ++short_records_;
  record.fields.resize(header_.size());
  return true;
}

void CsvReader::check_fields(const CsvRecord& record) const {
  if (record.fields.size() > header_.size()) {
    fail(MOLRT_ERROR_FORMAT, "{}: line {} (row {}) has {} fields, but the header has {} columns",
         name_, record.line, record.row, record.fields.size(), header_.size());
  }
  if (header_.size() == 1 && trim(record.fields[0]).find('\t') != std::string_view::npos) {
    fail(MOLRT_ERROR_FORMAT,
         "{}: line {} (row {}) has a tab inside; molrt reads comma-separated tables", name_,
         record.line, record.row);
  }
}

bool CsvReader::fill() {
  if (finished_) return false;
  std::array<char, block_size> block;
  const size_t size = read_block(block.data());
  const size_t mark = check_encoding(block.data(), size);
  parse(block.data() + mark, size - mark);
  return !finished_ || !ready_.empty();
}

// What there is, not a whole block: a pipe may be slow. But enough to see a byte order mark.
size_t CsvReader::read_block(char* block) {
  size_t size = 0;
  while (size < 3) {
    const ssize_t got = ::read(fileno(file_.get()), block + size, block_size - size);
    if (got < 0) fail(MOLRT_ERROR_IO, "{}: cannot be read: {}", name_, std::strerror(errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  return size;
}

void CsvReader::parse(char* text, size_t size) {
  finished_ = size == 0;
  const bool good = finished_
                        ? csv_fini(&parser_.state, on_field, on_record, this) == 0
                        : csv_parse(&parser_.state, text, size, on_field, on_record, this) == size;
  if (good) return;
  if (csv_error(&parser_.state) == CSV_ENOMEM) throw std::bad_alloc();
  fail(MOLRT_ERROR_FORMAT,
       "{}: the record that begins in line {} has a quote that is not closed, or one inside a "
       "field; "
       "such a field is written \"like \"\"this\"\"\"",
       name_, line_);
}

size_t CsvReader::check_encoding(const char* text, size_t size) {
  const std::string_view start(text, begun_ ? 0 : size);
  begun_ = true;
  if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
    fail(MOLRT_ERROR_FORMAT, "{}: is UTF-16 text; save it as UTF-8", name_);
  }
  if (start.starts_with("\x1F\x8B")) {
    fail(MOLRT_ERROR_FORMAT, "{}: is compressed with gzip; unpack it first", name_);
  }
  if (std::memchr(text, 0, size)) {
    fail(MOLRT_ERROR_FORMAT, "{}: holds a zero byte after line {}: it is no table of text", name_,
         line_);
  }
  return start.starts_with("\xEF\xBB\xBF") ? 3 : 0;
}

void CsvReader::on_field(void* text, size_t size, void* self) {
  auto& reader = *static_cast<CsvReader*>(self);
  reader.fields_.emplace_back(static_cast<const char*>(text), size);
  reader.lines_inside_ += line_breaks(reader.fields_.back());
  reader.after_carriage_return_ = false;
}

void CsvReader::on_record(int terminator, void* self) {
  auto& reader = *static_cast<CsvReader*>(self);
  const bool second_half = terminator == '\n' && reader.after_carriage_return_;  // of "\r\n"
  reader.after_carriage_return_ = terminator == '\r';
  if (!second_half) reader.end_record();
}

void CsvReader::end_record() {
  if (header_.empty()) {
    if (!is_blank(fields_)) header_ = std::move(fields_);
  } else if (header_.size() == 1 && fields_.empty()) {
    ++blank_lines_;
  } else if (header_.size() == 1 || !is_blank(fields_)) {
    for (; blank_lines_ > 0; --blank_lines_) ready_.push_back({{""}, 0, line_ - blank_lines_});
    ready_.push_back({std::move(fields_), 0, line_});
  }
  fields_.clear();
  line_ += lines_inside_ + 1;
  lines_inside_ = 0;
}

void append_csv_record(std::string& out, const std::vector<std::string>& fields, char delimiter) {
  const char special[] = {delimiter, '"', '\r', '\n', '\0'};
  const bool lone_empty = fields.size() == 1 && fields[0].empty();  // would read as a blank line
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += delimiter;
    append_field(out, fields[i],
                 lone_empty || fields[i].find_first_of(special) != std::string::npos);
  }
  out += '\n';
}

}  // namespace molrt
