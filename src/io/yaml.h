#pragma once
// A flat YAML mapping: its keys with simple values. Nothing is constructed, whatever tags it has.
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace molrt {

struct YamlScalar {
  std::string text;
  bool plain = true;  // not in quotes: may mean null, true or a number
  bool is_null() const;
};

struct YamlMapping {
  std::map<std::string, YamlScalar> scalars;
  std::map<std::string, const char*> others;  // keys of "a list", "a mapping", "an alias"
};

// One document whose root is a mapping. FORMAT error naming `file` and the line.
YamlMapping parse_flat_yaml(std::string_view text, const std::string& file);

}  // namespace molrt
