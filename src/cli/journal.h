#pragma once
// OUT.partial.json: how far a run has come, so that another one can go on.
#include <cstdint>
#include <optional>
#include <string>

#include "cli/run_facts.h"

namespace molrt::cli {

// After a window of rows.
struct Checkpoint {
  uint64_t rows = 0;       // of the input
  uint64_t bytes = 0;      // of the output
  uint64_t head = 0;       // its first bytes, which `crc` leaves out: they tell the rows
  uint32_t crc = 0;        // CRC-32 of the output
  uint32_t input_crc = 0;  // of those rows
  std::string place;       // the file that holds the bytes
  Json state;              // of the command: counts
};

class Journal {
 public:
  Journal(std::string path, Json facts) : path_(std::move(path)), facts_(std::move(facts)) {}

  const std::string& path() const { return path_; }
  // nullopt: there is none. FORMAT error if it is broken.
  std::optional<Checkpoint> read();
  [[noreturn]] void fail_broken(const Json::exception& error) const;  // FORMAT
  // INVALID_ARGUMENT naming the difference if the run that was read is not this one.
  void check_same_run() const;
  void write(const Checkpoint& checkpoint) const;  // replaces it, whole or not at all
  void remove() const;
  void remove_leftovers() const;  // of a run that was killed while it wrote

 private:
  std::string path_;
  Json facts_, read_facts_;
};

}  // namespace molrt::cli
