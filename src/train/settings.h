#pragma once
// The table of training settings: the one place where a setting's name, type, default, range and
// help stand (spec: design.md 3.5). It generates the command line's flags, Python's keywords,
// --help and the provenance stored in a model. A method adds its rows in its own file and names
// them in settings_table().
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace molrt {

class Settings;

using SettingValue = std::variant<double, int64_t, std::string>;

struct SettingRow {
  const char* name;            // as in regularisers.md, dots included
  SettingValue default_value;  // its alternative is the setting's type
  const char* unit;            // "" if none
  const char* recommended;     // "" if none
  double minimum, maximum;     // of numbers, inclusive
  const char* choices;         // of texts, separated by '|'; "" : any text
  const char* since;
  const char* help;
  // Why the setting would change nothing beside the others' values ("solver=ridge has no learning
  // rate"); "" if it takes effect. Null: it always does.
  std::string (*without_effect)(const Settings&) = nullptr;
  // The default where other settings change it (help says how). Null: default_value.
  SettingValue (*default_beside)(const Settings&) = nullptr;
  // Why the value cannot stand beside the others' ("mse is for measured values"); "" if it can.
  // Null: it always can.
  std::string (*conflict)(const Settings&) = nullptr;
};

const std::vector<SettingRow>& settings_table();

// Values of every setting; those not set have their defaults.
class Settings {
 public:
  Settings() : Settings(settings_table()) {}
  explicit Settings(const std::vector<SettingRow>& table) : table_(&table) {}  // which outlives it
  const std::vector<SettingRow>& table() const { return *table_; }

  // INVALID_ARGUMENT with the nearest name for an unknown one, or with the range or choices.
  void set_f64(std::string_view name, double value);
  void set_i64(std::string_view name, int64_t value);  // f64 settings take it too
  void set_text(std::string_view name, std::string_view value);

  double f64(std::string_view name) const;
  int64_t i64(std::string_view name) const;
  std::string text(std::string_view name) const;
  bool is_set(std::string_view name) const;  // by the user, even to its default

  // INVALID_ARGUMENT if a setting that the user set would change nothing, or conflicts with others.
  void validate() const;

  std::string to_json() const;  // every setting that takes effect, by name, as it will run

 private:
  const SettingRow& find_row(std::string_view name) const;
  SettingValue value(const SettingRow& row) const;
  const std::vector<SettingRow>* table_;
  std::map<std::string, SettingValue, std::less<>> values_;
};

}  // namespace molrt
