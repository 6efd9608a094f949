#pragma once
// Where raw weights' dictionary comes from, and whether one is another than it should be.
#include <functional>
#include <optional>
#include <string>

namespace molrt {

// The text of a dict.txt that the user names. FORMAT error naming it and `weights` where it has not
// `vocabulary` symbols with [MASK].
std::string read_dictionary(const std::string& path, int vocabulary, const std::string& weights);

// The shipped one of this size, else dict.txt or *.dict.txt beside `file` (nullopt: the weights are
// in memory), of which exactly one must have this size.
std::string find_dictionary(const std::optional<std::string>& file, int vocabulary);

// Calls `warn` where a dictionary of this size lies beside `file` that is not `chosen`; only_named:
// "", or the one name to look at.
void look_beside(const std::string& file, const std::string& chosen, int vocabulary,
                 std::string_view only_named, const std::function<void(const std::string&)>& warn);

// "" where both have the same symbols, else the first that differ: "line 5: 'N' instead of 'C'".
std::string difference(const std::string& text, const std::string& expected);

}  // namespace molrt
