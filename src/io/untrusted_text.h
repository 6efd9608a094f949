#pragma once
// Texts of files, which may hold anything.
#include <string>
#include <string_view>

namespace molrt {

// For a message: in quotes, control characters and broken UTF-8 escaped, cut at some hundred
// characters.
std::string in_quotes(std::string_view untrusted);

bool is_utf8(std::string_view text);

}  // namespace molrt
