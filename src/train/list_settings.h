#pragma once
// Settings whose text is a list, separated by commas.
#include <optional>
#include <string>
#include <vector>

namespace molrt {

// Without the spaces about them; empty ones are left out.
std::vector<std::string> split_at_commas(const std::string& text);

// None if a part is no number from `least` to `most`.
std::optional<std::vector<double>> read_numbers(const std::string& text, double least, double most);

}  // namespace molrt
