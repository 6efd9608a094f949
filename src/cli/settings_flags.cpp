#include "cli/settings_flags.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/error.h"

namespace molrt::cli {
namespace {

molrt_setting_info setting(const SettingsTable& table, size_t index) {
  molrt_setting_info info;
  check(molrt_setting_info_init(&info, sizeof info));
  check(table.describe(index, &info));
  return info;
}

std::string type_name(const molrt_setting_info& info) {
  if (info.type == MOLRT_SETTING_I64) return "N";
  if (info.type == MOLRT_SETTING_F64) return "NUMBER";
  return *info.choices ? fmt::format("{{{}}}", info.choices) : "TEXT";
}

std::string bound(const molrt_setting_info& info, double value) {
  if (info.type == MOLRT_SETTING_I64) return fmt::format("{}", static_cast<int64_t>(value));
  return fmt::format("{}", value);
}

std::string range(const molrt_setting_info& info) {
  if (info.type == MOLRT_SETTING_TEXT) return "";
  const bool low = std::isfinite(info.minimum);
  const bool high =
      std::isfinite(info.maximum) && info.maximum < 0x1p63;  // int64's own end says nothing
  if (low && high)
    return fmt::format("; {} to {}", bound(info, info.minimum), bound(info, info.maximum));
  if (low) return fmt::format("; at least {}", bound(info, info.minimum));
  return high ? fmt::format("; at most {}", bound(info, info.maximum)) : "";
}

std::string help(const molrt_setting_info& info) {
  auto text = fmt::format("{} [default {}", info.help, info.default_text);
  if (*info.unit) text += fmt::format(" {}", info.unit);
  if (*info.recommended_text) text += fmt::format("; recommended {}", info.recommended_text);
  return text + range(info) + "]";
}

// The settings of one method, such as `rdrop.alpha`, stand together.
std::string group(const std::string& name) {
  const auto dot = name.find('.');
  return dot == std::string::npos ? "Training" : "Training: " + name.substr(0, dot);
}

template <typename Number>
Number parse(const std::string& text, const std::string& flag, const char* kind) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec == std::errc() && result.ptr == end) return value;
  fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: takes {}, not '{}'", flag, kind, text);
}

int32_t set(molrt_settings* settings, const molrt_setting_info& info, const std::string& text) {
  const auto flag = flag_name(info.name);
  switch (info.type) {
    case MOLRT_SETTING_F64:
      return molrt_settings_set_f64(settings, info.name, parse<double>(text, flag, "a number"));
    case MOLRT_SETTING_I64:
      return molrt_settings_set_i64(settings, info.name,
                                    parse<int64_t>(text, flag, "a whole number"));
    default:
      return molrt_settings_set_text(settings, info.name, text.c_str());
  }
}

}  // namespace

std::string flag_name(const std::string& setting) {
  std::string flag = "--" + setting;
  for (char& c : flag) {
    if (c == '.' || c == '_') c = '-';
  }
  return flag;
}

void SettingsFlags::add_to(CLI::App& command) {
  for (size_t i = 0; i < table_.count(); ++i) {
    const auto info = setting(table_, i);
    options_[info.name] = command.add_option(flag_name(info.name), given_[info.name], help(info))
                              ->type_name(type_name(info))
                              ->group(group(info.name));
  }
}

Settings SettingsFlags::settings() const {
  molrt_settings* created = nullptr;
  check(table_.create(&created));
  Settings settings(created);
  for (size_t i = 0; i < table_.count(); ++i) {
    const auto info = setting(table_, i);
    if (options_.at(info.name)->count() > 0) check(set(created, info, given_.at(info.name)));
  }
  return settings;
}

}  // namespace molrt::cli
