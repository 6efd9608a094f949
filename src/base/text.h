#pragma once
// Texts that come from outside and may hold anything.
#include <string>
#include <string_view>

namespace molrt {

// For a message: in quotes, control characters and broken UTF-8 escaped, cut at some hundred
// characters.
std::string in_quotes(std::string_view untrusted);

bool is_utf8(std::string_view text);
std::string as_utf8(std::string_view text);  // U+FFFD where it is not

// `text` without surrounding white space, in printable ASCII ('?' for anything else, a space for a
// line break), cut after `longest` characters and then marked with "...".
std::string printable(std::string_view text, size_t longest = std::string_view::npos);

std::string_view trim(std::string_view text);

// Letters of ASCII only, and not std::tolower: the locale has no say here.
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; }
std::string lower(std::string text);

}  // namespace molrt
