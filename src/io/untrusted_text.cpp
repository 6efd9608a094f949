#include "io/untrusted_text.h"

#include <nlohmann/json.hpp>

namespace molrt {

std::string in_quotes(std::string_view untrusted) {
  constexpr size_t longest = 200;
  const char* tail = untrusted.size() > longest ? "..." : "";
  const nlohmann::json text = std::string(untrusted.substr(0, longest)) + tail;
  return text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_utf8(std::string_view text) try {
  (void)nlohmann::json(text).dump();
  return true;
} catch (const nlohmann::json::type_error&) {
  return false;
}

}  // namespace molrt
