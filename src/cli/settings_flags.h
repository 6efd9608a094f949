#pragma once
// Flags for the library's table of training settings: `rdrop.alpha` is --rdrop-alpha. What a
// setting takes and means stands in the library only.
#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "cli/session.h"

namespace molrt::cli {

class SettingsFlags {
 public:
  void add_to(CLI::App& command);
  // Those given on the command line; INVALID_ARGUMENT names the flag and what it takes.
  Settings settings() const;

 private:
  std::map<std::string, std::string> given_;  // by the setting's name; its address is CLI11's
  std::map<std::string, CLI::Option*> options_;
};

std::string flag_name(const std::string& setting);

}  // namespace molrt::cli
