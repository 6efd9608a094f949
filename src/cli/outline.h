#pragma once
// JSON for people.
#include <nlohmann/json.hpp>
#include <string>

namespace molrt::cli {

// One line for each value, indented under its object; lists of plain values are joined and wrapped.
std::string outline(const nlohmann::ordered_json& object, int indent = 0);

void print_text(const std::string& text);  // on stdout

}  // namespace molrt::cli
