#include "train/list_settings.h"

#include <algorithm>
#include <charconv>

namespace molrt {
namespace {

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? ""
                                    : text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

std::vector<std::string> all_parts(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts = all_parts(text);
  std::erase(parts, "");
  return parts;
}

bool begins_with_any(std::string_view name, const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return name.starts_with(word); });
}

std::optional<std::vector<double>> read_numbers(const std::string& text, double least,
                                                double most) {
  std::vector<double> numbers;
  for (const std::string& part : all_parts(text)) {
    double number = 0;
    const auto [rest, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc() || rest != part.data() + part.size()) return std::nullopt;
    if (!(number >= least && number <= most)) return std::nullopt;
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace molrt
