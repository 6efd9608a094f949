#include "pretrain/settings.h"

#include <map>

#include "api/guard.h"
#include "api/handles.h"

using namespace molrt;
using namespace molrt::api;

namespace {

molrt_setting_info info_defaults() {
  molrt_setting_info info = {};
  info.struct_size = sizeof info;
  return info;
}

int32_t type_of(const SettingValue& value) {
  return static_cast<int32_t>(value.index()) + MOLRT_SETTING_F64;  // double, int64_t, string
}

// Lives as long as the library: the tables' texts never change.
const char* default_text(const SettingRow& row) {
  static const std::map<const SettingRow*, std::string> texts = [] {
    std::map<const SettingRow*, std::string> all;
    for (const auto* table : {&settings_table(), &pretrain_settings_table()})
      for (const SettingRow& each : *table)
        all[&each] =
            std::visit([](const auto& v) { return fmt::format("{}", v); }, each.default_value);
    return all;
  }();
  return texts.at(&row).c_str();
}

molrt_setting_info describe(const SettingRow& row) {
  molrt_setting_info info = info_defaults();
  info.type = type_of(row.default_value);
  info.name = row.name;
  info.unit = row.unit;
  info.default_text = default_text(row);
  info.recommended_text = row.recommended;
  info.choices = row.choices;
  info.since = row.since;
  info.help = row.help;
  info.minimum = row.minimum;
  info.maximum = row.maximum;
  return info;
}

}  // namespace

void molrt::api::write_setting(const std::vector<SettingRow>& table, size_t index,
                               molrt_setting_info* info) {
  if (index >= table.size())
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "index = {}: there are {} settings", index, table.size());
  write_struct(describe(table[index]), info, require(info, "info").struct_size, "info");
}

int32_t molrt_setting_info_init(molrt_setting_info* info, size_t struct_size) {
  return init_struct(info, struct_size, info_defaults(), "info");
}

size_t molrt_settings_count(void) {
  try {
    return settings_table().size();
  } catch (...) {
    return 0;
  }
}

int32_t molrt_settings_describe(size_t index, molrt_setting_info* info) {
  return guarded([&] { write_setting(settings_table(), index, info); });
}

int32_t molrt_settings_create(molrt_settings** settings) {
  return guarded([&] {
    require(settings, "settings") = nullptr;
    *settings = new molrt_settings;
  });
}

void molrt_settings_free(molrt_settings* settings) { delete settings; }

int32_t molrt_settings_set_f64(molrt_settings* settings, const char* name, double value) {
  return guarded(
      [&] { require(settings, "settings").settings.set_f64(&require(name, "name"), value); });
}

int32_t molrt_settings_set_i64(molrt_settings* settings, const char* name, int64_t value) {
  return guarded(
      [&] { require(settings, "settings").settings.set_i64(&require(name, "name"), value); });
}

int32_t molrt_settings_set_text(molrt_settings* settings, const char* name, const char* value) {
  return guarded([&] {
    require(settings, "settings")
        .settings.set_text(&require(name, "name"), &require(value, "value"));
  });
}

int32_t molrt_settings_get_f64(const molrt_settings* settings, const char* name, double* value) {
  return guarded([&] {
    const Settings& s = require(settings, "settings").settings;
    require(value, "value") = s.f64(&require(name, "name"));
  });
}

int32_t molrt_settings_get_i64(const molrt_settings* settings, const char* name, int64_t* value) {
  return guarded([&] {
    const Settings& s = require(settings, "settings").settings;
    require(value, "value") = s.i64(&require(name, "name"));
  });
}

int32_t molrt_settings_get_text(const molrt_settings* settings, const char* name, char* buffer,
                                size_t capacity, size_t* needed) {
  return guarded([&] {
    const Settings& s = require(settings, "settings").settings;
    write_text(s.text(&require(name, "name")), buffer, capacity, needed);
  });
}
