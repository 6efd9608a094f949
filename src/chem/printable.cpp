#include "chem/printable.h"

namespace molrt {

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

}  // namespace molrt
