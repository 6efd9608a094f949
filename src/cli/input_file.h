#pragma once
// From a path and what the options say to a reader of its records.
#include <functional>
#include <memory>
#include <optional>

#include "cli/options.h"
#include "io/byte_stream.h"
#include "io/records.h"

namespace molrt::cli {

struct InputFile {
  bool is_sdf = false;
  bool can_reopen = false;       // a regular file
  std::optional<uint64_t> rows;  // if finding the columns has told
  std::function<std::unique_ptr<RecordReader>()> open;
};

// INVALID_ARGUMENT for options that do not go together.
InputFile find_input(const InputOptions& options);

}  // namespace molrt::cli
