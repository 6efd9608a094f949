#pragma once
// A directory as unimol_tools saves it, that a test may spoil: a copy of a golden one.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "support/npz.h"

namespace molrt::test {

class ToolsFolder {
 public:
  explicit ToolsFolder(const std::string& name) {
    static int counter = 0;
    folder_ = std::filesystem::temp_directory_path() /
              fmt::format("molrt-tools-{}-{}", getpid(), counter++);
    std::filesystem::copy(golden_path("tools_0_1_6_" + name), folder_);
    // Most golden directories have the same weights, which are checked in once.
    for (const char* weights : {"model_0.pth", "model_1.pth"})
      if (!std::filesystem::exists(folder_ / weights))
        std::filesystem::copy(golden_path("tools_0_1_6_standard") + "/" + weights, folder_);
  }
  ~ToolsFolder() { std::filesystem::remove_all(folder_); }
  ToolsFolder(const ToolsFolder&) = delete;
  ToolsFolder& operator=(const ToolsFolder&) = delete;

  std::string path() const { return folder_.string(); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(file(name), std::ios::binary).rdbuf();
    return text.str();
  }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(file(name), std::ios::binary) << content;
  }
  void remove(const std::string& name) const { std::filesystem::remove(folder_ / name); }
  // Replaces `key: ...` of config.yaml by `line`, or adds it.
  void configure(const std::string& key, const std::string& line) const {
    std::istringstream lines(read("config.yaml"));
    std::string changed;
    for (std::string text; std::getline(lines, text);)
      if (!text.starts_with(key + ":")) changed += text + "\n";
    write("config.yaml", changed + (line.empty() ? "" : line + "\n"));
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace molrt::test
