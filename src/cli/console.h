#pragma once
// The terminal's streams, which may be closed, full or gone.
#include <string_view>

namespace molrt::cli {

// Closed standard streams become /dev/null, so that no file of the run takes their place. Reading
// the input from such a one, or writing results to it, fails.
void open_standard_streams();

// Messages are worth no failure: one that cannot be written is lost.
void write_stderr(std::string_view text);

// Results. IO error if they cannot be written; ReaderLeft if nobody reads them any more.
void write_stdout(std::string_view text);
void flush_stdout();

// Whoever reads standard output has left, as `head` does: no failure worth a message.
struct ReaderLeft {};

}  // namespace molrt::cli
