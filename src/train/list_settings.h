#pragma once
// Settings whose text is a list, separated by commas.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace molrt {

// Without the spaces about them; empty ones are left out.
std::vector<std::string> split_at_commas(const std::string& text);

// Whether one of the words is how the name begins.
bool begins_with_any(std::string_view name, const std::vector<std::string>& words);

// None if a part is no number from `least` to `most`.
std::optional<std::vector<double>> read_numbers(const std::string& text, double least, double most);

}  // namespace molrt
