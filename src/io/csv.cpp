#include "io/csv.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "base/error.h"
#include "base/text.h"

namespace molrt {
namespace {

// A quote that is still open so much later was never meant to be one.
constexpr size_t longest_quoted = 1 << 20;

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

// What a record with broken quotes shows of itself.
std::vector<std::string> without_quotes(std::string_view line, char delimiter) {
  std::vector<std::string> fields;
  for (size_t end; (end = line.find(delimiter)) != line.npos; line.remove_prefix(end + 1)) {
    fields.emplace_back(line.substr(0, end));
  }
  fields.emplace_back(line);
  return fields;
}

}  // namespace

// ---- one record

void FieldSplitter::feed(std::string_view text) {
  for (size_t at = 0; at < text.size() && state_ != State::broken;) {
    if (state_ == State::quoted) {
      at = feed_quoted(text, at);
    } else if (text[at] == delimiter_) {
      end_field();
      ++at;
    } else if (state_ == State::start && text[at] == '"') {
      state_ = State::quoted;
      ++at;
    } else if (state_ == State::closed) {
      state_ = State::broken;
    } else {
      at = feed_plain(text, at);
    }
  }
}

size_t FieldSplitter::feed_plain(std::string_view text, size_t at) {
  state_ = State::plain;
  const size_t end = std::min(text.find(delimiter_, at), text.size());
  field_ += text.substr(at, end - at);
  return end;
}

size_t FieldSplitter::feed_quoted(std::string_view text, size_t at) {
  const size_t quote = std::min(text.find('"', at), text.size());
  field_ += text.substr(at, quote - at);
  if (quote == text.size()) return quote;
  if (quote + 1 < text.size() && text[quote + 1] == '"') {
    field_ += '"';
    return quote + 2;
  }
  state_ = State::closed;
  return quote + 1;
}

void FieldSplitter::end_field() {
  fields_.push_back(std::move(field_));
  field_.clear();
  state_ = State::start;
}

std::vector<std::string> FieldSplitter::finish() {
  end_field();
  return std::move(fields_);
}

// ---- the table

CsvReader::CsvReader(ByteStreamPtr text, char delimiter)
    : lines_(std::move(text)), delimiter_(delimiter) {
  if (delimiter == 0) delimiter_ = find_delimiter();
  Parsed header;
  if (!read_filled(header)) {
    fail(MOLRT_ERROR_FORMAT, "{}: is empty; a header row is expected", name());
  }
  if (!header.problem.empty()) {
    fail(MOLRT_ERROR_FORMAT, "{}: the header in line {} {}", name(), header.lines.back().number,
         header.problem);
  }
  header_ = std::move(header.fields);
}

// The next record, blank lines included. One with broken quotes ends with its first line.
bool CsvReader::read(Parsed& parsed) {
  parsed = {};
  parsed.lines.emplace_back();
  if (!lines_.next(parsed.lines[0])) {
    parsed.lines.clear();
    return false;
  }
  if (parsed.lines[0].text.empty()) return true;
  FieldSplitter splitter(delimiter_);
  splitter.feed(parsed.lines[0].text);
  size_t size = 0;
  for (Line line; splitter.is_open() && size < longest_quoted && lines_.next(line);) {
    splitter.feed(parsed.lines.back().end);
    splitter.feed(line.text);
    size += line.text.size() + line.end.size();
    parsed.lines.push_back(std::move(line));
  }
  if (!splitter.is_open() && !splitter.is_broken()) {
    parsed.fields = splitter.finish();
    return true;
  }
  end_at_first_line(parsed, splitter.is_open() ? "has a quote that is not closed"
                                               : "has text behind a closing quote");
  return true;
}

// The next record that is no blank line; its lines are those passed over, too.
bool CsvReader::read_filled(Parsed& parsed) {
  std::vector<Line> lines;
  bool filled = false;
  while (!filled && read(parsed)) {
    filled = !parsed.problem.empty() || !is_blank(parsed.fields);
    lines.insert(lines.end(), parsed.lines.begin(), parsed.lines.end());
  }
  parsed.lines = std::move(lines);
  return filled;
}

// A delimiter is the likelier the more of it the header has, and if the first row has as many.
char CsvReader::find_delimiter() {
  using Likelihood = std::tuple<bool, size_t>;
  Likelihood best{false, 1};
  char found = ',';
  for (const char delimiter : {',', '\t', ';'}) {
    Parsed header, row;
    delimiter_ = delimiter;
    const bool rows = read_filled(header) && read_filled(row);
    const size_t columns = header.fields.size();
    const Likelihood likelihood{rows && columns > 1 && row.fields.size() == columns, columns};
    if (header.problem.empty() && likelihood > best) {
      best = likelihood;
      found = delimiter;
    }
    lines_.put_back(std::move(row.lines));
    lines_.put_back(std::move(header.lines));
  }
  return found;
}

bool CsvReader::next(Record& record) {
  Parsed parsed;
  if (blank_lines_ == 0 && !read_row(parsed)) return false;
  if (blank_lines_ > 0) {
    lines_.put_back(std::move(parsed.lines));  // comes behind them
    record = {{""}, ++row_, first_blank_line_++, {}, {}};
    --blank_lines_;
    return true;
  }
  record = {
      std::move(parsed.fields), ++row_, parsed.lines[0].number, std::move(parsed.problem), {}};
  count(record);
  record.fields.resize(header_.size());
  return true;
}

bool CsvReader::read_row(Parsed& parsed) {
  const bool one_column = header_.size() == 1;
  uint64_t blank = 0;
  while (read(parsed)) {
    const bool empty = parsed.lines[0].text.empty();
    if (one_column ? !empty : !parsed.problem.empty() || !is_blank(parsed.fields)) break;
    ++blank;
  }
  if (parsed.fields.empty()) return false;  // blank lines at the end are no rows
  if (one_column) blank_lines_ = blank;
  first_blank_line_ = parsed.lines[0].number - blank;
  if (blank_lines_ == 0) check_row(parsed);
  return true;
}

void CsvReader::check_row(Parsed& parsed) {
  auto& fields = parsed.fields;
  if (header_.size() == 1 && trim(fields[0]).find('\t') != std::string_view::npos) {
    parsed.problem = "has a tab inside, but the header has one column";
    if (row_ == 0) {  // the whole file then is something else
      fail(MOLRT_ERROR_FORMAT, "{}: line {} (row 1) {}; say --delimiter or --input-format", name(),
           parsed.lines[0].number, parsed.problem);
    }
  }
  while (fields.size() > header_.size() && fields.back().empty()) fields.pop_back();
  if (fields.size() <= header_.size() || !parsed.problem.empty()) return;
  parsed.problem =
      fmt::format("has {} fields, but the header has {} columns", fields.size(), header_.size());
  if (parsed.lines.size() > 1) end_at_first_line(parsed, "has a quote that is not closed");
}

// Broken: what was taken for more of it are records of their own.
void CsvReader::end_at_first_line(Parsed& parsed, const char* problem) {
  auto& lines = parsed.lines;
  lines_.put_back(
      {std::make_move_iterator(lines.begin() + 1), std::make_move_iterator(lines.end())});
  lines.resize(1);
  parsed.problem = problem;
  parsed.fields = without_quotes(lines[0].text, delimiter_);
}

void CsvReader::count(const Record& record) {
  if (!record.problem.empty()) {
    ++counts_.bad_records;
  } else if (record.fields.size() < header_.size() && ++counts_.short_records == 1) {
    counts_.first_short_line = record.line;
  }
}

RecordCounts CsvReader::counts() const {
  auto counts = counts_;
  counts.not_utf8_line = lines_.not_utf8_line();
  return counts;
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
