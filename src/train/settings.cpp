#include "train/settings.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "train/head_settings.h"
#include "train/input_settings.h"
#include "train/mc_settings.h"
#include "train/method.h"
#include "train/network_settings.h"
#include "train/run_settings.h"
#include "train/task_settings.h"

namespace molrt {
namespace {

char folded(char c) { return c == '-' || c == '.' ? '_' : c; }

// Levenshtein's, with '-', '.' and '_' taken as the same letter.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (folded(a[i]) != folded(b[j]));
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

const char* nearest_name(const std::vector<SettingRow>& table, std::string_view name) {
  return std::min_element(table.begin(), table.end(),
                          [&](const auto& a, const auto& b) {
                            return edit_distance(name, a.name) < edit_distance(name, b.name);
                          })
      ->name;
}

const char* type_name(const SettingRow& row) {
  static constexpr const char* names[] = {"a number", "an integer", "a text"};
  return names[row.default_value.index()];
}

[[noreturn]] void fail_type(const SettingRow& row, std::string_view found) {
  fail(MOLRT_ERROR_INVALID_ARGUMENT, "setting '{}' is {}, not {}", row.name, type_name(row), found);
}

template <typename T>
void check_range(const SettingRow& row, T number) {
  const auto wide = static_cast<double>(number);
  if (wide >= row.minimum && wide <= row.maximum) return;
  fail(MOLRT_ERROR_INVALID_ARGUMENT, "setting '{}' must be between {} and {}, found {}", row.name,
       row.minimum, row.maximum, number);
}

bool is_choice(std::string_view choices, std::string_view value) {
  while (!choices.empty()) {
    const size_t bar = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, bar) == value) return true;
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return false;
}

template <typename T>
T typed(const SettingRow& row, const SettingValue& value, std::string_view wanted) {
  const T* found = std::get_if<T>(&value);
  if (found == nullptr) fail_type(row, wanted);
  return *found;
}

std::string why_without_effect(const SettingRow& row, const Settings& settings) {
  return row.without_effect == nullptr ? "" : row.without_effect(settings);
}

}  // namespace

const std::vector<SettingRow>& settings_table() {
  static const std::vector<SettingRow> table = [] {
    std::vector<SettingRow> rows;
    for (const auto& part : {task_settings(), head_settings(), input_settings(), network_settings(),
                             run_settings(), mc_settings(), method_settings()})
      rows.insert(rows.end(), part.begin(), part.end());
    return rows;
  }();
  return table;
}

const SettingRow& Settings::find_row(std::string_view name) const {
  for (const SettingRow& row : *table_)
    if (name == row.name) return row;
  fail(MOLRT_ERROR_INVALID_ARGUMENT, "unknown setting '{}'; did you mean '{}'?", name,
       nearest_name(*table_, name));
}

void Settings::set_f64(std::string_view name, double value) {
  const SettingRow& row = find_row(name);
  if (!std::holds_alternative<double>(row.default_value)) fail_type(row, "a floating-point number");
  if (!std::isfinite(value))
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "setting '{}' must be a finite number, found {}", row.name,
         value);
  check_range(row, value);
  values_.insert_or_assign(row.name, value);
}

void Settings::set_i64(std::string_view name, int64_t value) {
  const SettingRow& row = find_row(name);
  if (std::holds_alternative<double>(row.default_value))
    return set_f64(name, static_cast<double>(value));
  if (!std::holds_alternative<int64_t>(row.default_value)) fail_type(row, "an integer");
  check_range(row, value);
  values_.insert_or_assign(row.name, value);
}

void Settings::set_text(std::string_view name, std::string_view value) {
  const SettingRow& row = find_row(name);
  if (!std::holds_alternative<std::string>(row.default_value)) fail_type(row, "a text");
  if (*row.choices != '\0' && !is_choice(row.choices, value))
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "setting '{}' must be one of {}, found '{}'", row.name,
         row.choices, value);
  values_.insert_or_assign(row.name, std::string(value));
}

SettingValue Settings::value(const SettingRow& row) const {
  const auto found = values_.find(row.name);
  if (found != values_.end()) return found->second;
  return row.default_beside == nullptr ? row.default_value : row.default_beside(*this);
}

double Settings::f64(std::string_view name) const {
  const SettingRow& row = find_row(name);
  return typed<double>(row, value(row), "a floating-point number");
}

int64_t Settings::i64(std::string_view name) const {
  const SettingRow& row = find_row(name);
  return typed<int64_t>(row, value(row), "an integer");
}

std::string Settings::text(std::string_view name) const {
  const SettingRow& row = find_row(name);
  return typed<std::string>(row, value(row), "a text");
}

bool Settings::is_set(std::string_view name) const { return values_.contains(find_row(name).name); }

void Settings::validate() const {
  for (const SettingRow& row : *table_) {
    if (!values_.contains(row.name)) continue;
    const std::string reason = why_without_effect(row, *this);
    if (!reason.empty())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "setting '{}' would have no effect: {}", row.name, reason);
    const std::string conflict = row.conflict == nullptr ? "" : row.conflict(*this);
    if (!conflict.empty())
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "setting '{}': {}", row.name, conflict);
  }
}

std::string Settings::to_json() const {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const SettingRow& row : *table_)
    if (why_without_effect(row, *this).empty())
      std::visit([&](const auto& typed_value) { json[row.name] = typed_value; }, value(row));
  return json.dump();
}

}  // namespace molrt
