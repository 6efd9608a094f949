#include "features/dictionary.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "chem/conformer.h"

namespace molrt {
namespace {

constexpr std::array<std::string_view, 4> specials = {"[PAD]", "[CLS]", "[SEP]", "[UNK]"};
constexpr std::string_view mask_symbol = "[MASK]";
// The pair kernels have a row for each pair of tokens: a file beyond this is no dictionary.
constexpr size_t most_symbols = 4096;

// A line of the file, and where it stands, for messages.
struct Line {
  std::string_view text;
  std::string_view file;
  size_t number;
};

std::vector<Line> split_lines(std::string_view text, std::string_view file) {
  std::vector<Line> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back({line, file, lines.size() + 1});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  while (!lines.empty() && lines.back().text.empty()) lines.pop_back();
  return lines;
}

bool is_count(std::string_view text) {
  long long value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// "C" or "C 12345".
std::string parse_line(const Line& line) {
  const size_t space = line.text.find_first_of(" \t");
  const std::string_view symbol = line.text.substr(0, space);
  if (symbol.empty() || (space != line.text.npos && !is_count(line.text.substr(space + 1))))
    fail(MOLRT_ERROR_FORMAT, "{}, line {}: expected a symbol and perhaps a count, found \"{}\"",
         line.file, line.number, printable(line.text, 40));
  return std::string(symbol);
}

void check_special(const Line& line, const std::string& symbol) {
  if (line.number <= specials.size() && symbol != specials[line.number - 1])
    fail(MOLRT_ERROR_FORMAT, "{}, line {}: expected {}, found \"{}\"", line.file, line.number,
         specials[line.number - 1], printable(symbol, 40));
  if (symbol == mask_symbol)
    fail(MOLRT_ERROR_FORMAT, "{}, line {}: {} is appended, it must not be in the file", line.file,
         line.number, symbol);
}

std::vector<std::string> parse_symbols(std::string_view text, std::string_view name) {
  const std::vector<Line> lines = split_lines(text, name);
  if (lines.size() < specials.size() || lines.size() > most_symbols)
    fail(MOLRT_ERROR_FORMAT,
         "{}: expected {} to {} lines (the four special tokens first), found {}", name,
         specials.size(), most_symbols, lines.size());
  std::vector<std::string> symbols;
  std::set<std::string> seen;
  for (const Line& line : lines) {
    symbols.push_back(parse_line(line));
    check_special(line, symbols.back());
    if (!seen.insert(symbols.back()).second)
      fail(MOLRT_ERROR_FORMAT, "{}, line {}: \"{}\" stands there twice", name, line.number,
           printable(symbols.back(), 40));
  }
  symbols.emplace_back(mask_symbol);
  return symbols;
}

// The element that an entry stands for; 0 for other entries, "D" among them, which is read as "H".
uint8_t element_of(const std::string& symbol) {
  const uint8_t number = atomic_number(symbol);
  return element_symbol(number) == symbol ? number : 0;
}

}  // namespace

Dictionary Dictionary::parse(std::string_view text, std::string_view name, TokenLayout layout) {
  Dictionary dictionary;
  dictionary.layout_ = layout;
  dictionary.symbols_ = parse_symbols(text, name);
  dictionary.token_of_.fill(dictionary.unknown());
  for (int token = static_cast<int>(specials.size()); token < dictionary.size(); ++token)
    if (const uint8_t number = element_of(dictionary.symbols_[token]))
      dictionary.token_of_[number] = token;
  return dictionary;
}

int Dictionary::pad() const { return layout_ == TokenLayout::file_order ? 0 : 2; }
int Dictionary::cls() const { return layout_ == TokenLayout::file_order ? 1 : 0; }
int Dictionary::sep() const { return layout_ == TokenLayout::file_order ? 2 : 3; }
int Dictionary::unknown() const { return layout_ == TokenLayout::file_order ? 3 : 1; }

std::vector<std::string> Dictionary::elements() const {
  return {symbols_.begin() + specials.size(), symbols_.end() - 1};
}

}  // namespace molrt
