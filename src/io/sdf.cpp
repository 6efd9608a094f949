#include "io/sdf.h"

#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace molrt {
namespace {

constexpr size_t largest_record = 1 << 26;
constexpr std::string_view record_end = "$$$$";
constexpr std::string_view block_end = "M  END";

struct SdfRecord {
  std::string title, block, problem;
  std::vector<std::pair<std::string, std::string>> properties;
  uint64_t line = 0;
};

// ">  <NAME> (1)": what stands between the first < and the last >.
std::string property_name(std::string_view line) {
  const auto begin = line.find('<'), end = line.rfind('>');
  if (begin == line.npos || end <= begin) return {};
  return std::string(line.substr(begin + 1, end - begin - 1));
}

class RecordParser {
 public:
  explicit RecordParser(LineReader& lines) : lines_(lines) {}

  // False at the end of the file.
  bool read(SdfRecord& record) {
    record = {};
    bool filled = false;
    for (Line line; lines_.next(line);) {
      if (record.line == 0) record.line = line.number;
      if (line.text.starts_with(record_end)) return true;
      filled = filled || !trim(line.text).empty();
      add(line, record);
    }
    return filled;
  }

 private:
  void add(const Line& line, SdfRecord& record) {
    size_ += line.text.size() + 1;
    if (size_ > largest_record) {
      record.problem = fmt::format("is larger than {} bytes", largest_record);
    } else if (!block_ended_) {
      add_to_block(line, record);
    } else if (value_) {
      add_to_value(line, record);
    } else if (line.text.starts_with('>')) {
      begin_property(line, record);
    } else if (line.text.starts_with(block_end)) {
      record.problem =
          fmt::format("has a second molecule that ends in line {}; $$$$ is missing", line.number);
    }
  }

  void add_to_block(const Line& line, SdfRecord& record) {
    if (line.number == record.line) record.title = trim(line.text);
    record.block += line.text + '\n';
    block_ended_ = line.text.starts_with(block_end);
  }

  void begin_property(const Line& line, SdfRecord& record) {
    record.properties.emplace_back(property_name(line.text), "");
    value_ = true;
    first_line_ = true;
  }

  void add_to_value(const Line& line, SdfRecord& record) {
    value_ = !line.text.empty();
    if (!value_) return;
    auto& text = record.properties.back().second;
    if (!std::exchange(first_line_, false)) text += '\n';
    text += line.text;
  }

  LineReader& lines_;
  size_t size_ = 0;
  bool block_ended_ = false, value_ = false, first_line_ = false;
};

}  // namespace

SdfReader::SdfReader(ByteStreamPtr text, std::vector<std::string> properties)
    : lines_(std::move(text)), header_{"name"} {
  header_.insert(header_.end(), properties.begin(), properties.end());
  for (size_t i = 1; i < header_.size(); ++i) columns_.emplace(header_[i], i);
}

bool SdfReader::next(Record& record) {
  SdfRecord found;
  if (!RecordParser(lines_).read(found)) return false;
  record = {std::vector<std::string>(header_.size()), ++row_, found.line, std::move(found.problem),
            std::move(found.block)};
  if (!record.problem.empty()) ++bad_records_;
  record.fields[0] = std::move(found.title);
  for (auto& [name, value] : found.properties) {
    const auto column = columns_.find(name);
    if (column != columns_.end()) record.fields[column->second] = std::move(value);
  }
  return true;
}

RecordCounts SdfReader::counts() const {
  RecordCounts counts;
  counts.bad_records = bad_records_;
  counts.not_utf8_line = lines_.not_utf8_line();
  return counts;
}

bool SdfScanner::next() {
  SdfRecord record;
  if (!RecordParser(lines_).read(record)) return false;
  for (auto& [name, value] : record.properties) {
    if (!name.empty() && known_.insert(name).second) properties_.push_back(name);
  }
  return true;
}

bool looks_like_sdf(std::string_view start) {
  constexpr int counts_line = 4;
  for (int line = 1; line < counts_line; ++line) {
    const auto end = start.find('\n');
    if (end == start.npos) return false;
    start.remove_prefix(end + 1);
  }
  const auto line = start.substr(0, start.find('\n'));
  return line.find("V2000") != line.npos || line.find("V3000") != line.npos;
}

}  // namespace molrt
