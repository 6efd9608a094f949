#include "cli/outline.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/console.h"

namespace molrt::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t line_width = 100;

std::string plain(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "none" : value.dump();
}

bool is_plain_list(const Json& value) {
  return value.is_array() &&
         std::none_of(value.begin(), value.end(), [](const Json& v) { return v.is_structured(); });
}

std::string joined(const Json& list, size_t column) {
  constexpr size_t most_shown = 200;  // more are numbers that nobody reads; --json has them
  if (list.empty()) return "none";
  if (list.size() > most_shown) return fmt::format("{} values", list.size());
  std::string text;
  size_t used = column;
  for (const auto& value : list) {
    const auto word = plain(value) + (&value == &list.back() ? "" : ",");
    if (!text.empty() && used + 1 + word.size() > line_width) {
      text += '\n' + std::string(column, ' ');
      used = column;
    } else if (!text.empty()) {
      text += ' ';
      ++used;
    }
    text += word;
    used += word.size();
  }
  return text;
}

std::string list_of_structures(const Json& list, int indent) {
  std::string text;
  for (size_t i = 0; i < list.size(); ++i) {
    text += fmt::format("{:{}}{}:\n{}", "", indent, i + 1, outline(list[i], indent + 2));
  }
  return text;
}

size_t longest_key(const Json& object) {
  size_t longest = 0;
  for (const auto& [key, value] : object.items()) longest = std::max(longest, key.size());
  return longest;
}

}  // namespace

std::string outline(const Json& value, int indent) {
  if (value.is_array() && !is_plain_list(value)) return list_of_structures(value, indent);
  if (!value.is_object()) return fmt::format("{:{}}{}\n", "", indent, plain(value));
  const size_t column = longest_key(value) + 2;
  std::string text;
  for (const auto& [key, item] : value.items()) {
    if (item.is_structured() && !item.empty() && !is_plain_list(item)) {
      text += fmt::format("{:{}}{}\n{}", "", indent, key, outline(item, indent + 2));
    } else {
      const auto shown = item.is_structured() ? joined(item, indent + column) : plain(item);
      text += fmt::format("{:{}}{:<{}}{}\n", "", indent, key, column, shown);
    }
  }
  return text;
}

void print_text(const std::string& text) {
  write_stdout(text);
  flush_stdout();
}

}  // namespace molrt::cli
