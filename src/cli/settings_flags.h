#pragma once
// Flags for the library's tables of settings: `rdrop.alpha` is --rdrop-alpha. What a
// setting takes and means stands in the library only.
#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "cli/session.h"

namespace molrt::cli {

// One of the library's tables.
struct SettingsTable {
  size_t (*count)();
  int32_t (*describe)(size_t index, molrt_setting_info* info);
  int32_t (*create)(molrt_settings** settings);
};
inline constexpr SettingsTable training_settings = {molrt_settings_count, molrt_settings_describe,
                                                    molrt_settings_create};
inline constexpr SettingsTable pretraining_settings = {molrt_pretraining_settings_count,
                                                       molrt_pretraining_settings_describe,
                                                       molrt_pretraining_settings_create};

class SettingsFlags {
 public:
  explicit SettingsFlags(const SettingsTable& table = training_settings) : table_(table) {}
  void add_to(CLI::App& command);
  // Those given on the command line; INVALID_ARGUMENT names the flag and what it takes.
  Settings settings() const;

 private:
  SettingsTable table_;
  std::map<std::string, std::string> given_;  // by the setting's name; its address is CLI11's
  std::map<std::string, CLI::Option*> options_;
};

std::string flag_name(const std::string& setting);

}  // namespace molrt::cli
