#pragma once
// The terminal's streams, which may be closed, full or gone.
#include <string_view>

namespace molrt::cli {

// Closed standard streams become /dev/null, so that no file of the run takes their place. Reading
// the input from such a one, or writing results to it, fails.
void open_standard_streams();

// Messages are worth no failure: one that cannot be written is lost.
void write_stderr(std::string_view text);

}  // namespace molrt::cli
