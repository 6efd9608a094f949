#pragma once
// Foreign text in messages.
#include <string>
#include <string_view>

namespace molrt {

// `text` without surrounding white space, in printable ASCII ('?' for anything else, a space for a
// line break), cut after `longest` characters and then marked with "...".
std::string printable(std::string_view text, size_t longest = std::string_view::npos);

std::string_view trim(std::string_view text);

}  // namespace molrt
