#include "base/text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace molrt {

std::string in_quotes(std::string_view untrusted) {
  constexpr size_t longest = 200;
  const char* tail = untrusted.size() > longest ? "..." : "";
  const nlohmann::json text = std::string(untrusted.substr(0, longest)) + tail;
  return text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string as_utf8(std::string_view text) {
  using nlohmann::json;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace))
      .get<std::string>();
}

bool is_utf8(std::string_view text) try {
  const auto beyond_ascii = [](char c) { return static_cast<unsigned char>(c) > 0x7f; };
  if (std::none_of(text.begin(), text.end(), beyond_ascii)) return true;  // quickly
  (void)nlohmann::json(text).dump();
  return true;
} catch (const nlohmann::json::type_error&) {
  return false;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view whitespace = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(whitespace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(whitespace) - begin + 1);
}

std::string printable(std::string_view text, size_t longest) {
  const std::string_view whole = trim(text);
  std::string clean(whole.substr(0, longest));
  for (char& c : clean)
    if (c < 0x20 || c > 0x7e) c = c == '\n' ? ' ' : '?';
  if (whole.size() > longest) clean += "...";
  return clean;
}

std::string lower(std::string text) {
  for (char& c : text) c = lower(c);
  return text;
}

}  // namespace molrt
