#pragma once
// Where results go: standard output, a pipe, or a file that can be gone on with.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/partial_file.h"
#include "cli/journal.h"
#include "cli/options.h"
#include "cli/progress.h"

namespace molrt::cli {

// Made before the work begins, so that what cannot be written is found out first; what a run before
// this one has left is dropped only when there is something to write. A regular file is written as
// OUT.partial, with a journal beside it, and gets its name at the end; safetensors, whose header
// comes first and tells all sizes, whole or not at all.
class Output {
 public:
  Output(const OutputOptions& options, const std::string& format, Progress& progress);

  bool is_stdout() const { return !whole_ && !partial_; }
  bool has_head() const { return partial_.has_value(); }  // set_head works
  // What a run before this one has done; nullptr: nothing.
  const Checkpoint* resumed() const { return resumed_ ? &*resumed_ : nullptr; }
  // Gives what it kept in its state under `key`, if there was one. FORMAT error if that is broken.
  void restore(const char* key, const std::function<void(const Json&)>& use) const;

  void write(const void* data, size_t size);
  // The file's first bytes, again whenever they change. After a resume, first those of the rows
  // that are there.
  void set_head(std::string_view head);
  AtomicFile& file() { return *whole_; }  // of safetensors

  // After a window: from here a run can be resumed.
  void checkpoint(uint64_t rows, uint32_t input_crc, const Json& state);
  void commit();  // all is there: in place
  // The run was stopped: puts the rows up to the last checkpoint in place, where nothing is lost by
  // it. What to tell the user.
  std::string stop(std::optional<uint64_t> total_rows);
  // The run failed: what to tell the user of the rows that are kept.
  std::string keep();

 private:
  void start(bool resume);
  void resume();
  void begin();
  void start_over();
  void say_what_is_lost(uint64_t rows);
  void drop_rows();

  std::string path_;
  Progress& progress_;
  bool existed_ = false;  // an older result, which only a finished run replaces
  std::optional<AtomicFile> whole_;
  std::optional<PartialFile> partial_;
  std::optional<Journal> journal_;
  bool begun_ = false;  // the partial file holds this run's rows, and the journal is its own
  std::optional<Checkpoint> resumed_, last_;
  std::string head_, last_head_;  // as written, and as of last_
};

// The format asked for, or by the extension; "csv" without one. INVALID_ARGUMENT if not in
// `formats` (separated by blanks), or if it needs a file and there is none.
std::string output_format(const OutputOptions& options, const std::string& formats);

// Fails if no model can be written to `path`, which the library will do later.
void check_model_output(const std::string& path);
// Fails if `path` cannot be written later.
void check_file_output(const std::string& path);

}  // namespace molrt::cli
