#pragma once
// A directory that goes with the test.
#include <cstdlib>
#include <filesystem>
#include <string>

namespace molrt::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "molrt-test-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(directory_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string path(const std::string& name) const { return (directory_ / name).string(); }

 private:
  std::filesystem::path directory_;
};

}  // namespace molrt::test
