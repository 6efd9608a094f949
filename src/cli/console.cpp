#include "cli/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"

namespace molrt::cli {
namespace {

[[noreturn]] void fail_stdout() {
  if (errno == EPIPE) throw ReaderLeft();
  fail(MOLRT_ERROR_IO, "standard output: cannot be written: {}", std::strerror(errno));
}

}  // namespace

void open_standard_streams() {
  // Opened the wrong way round, stdin cannot be read nor stdout written.
  constexpr int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};
  for (int stream = 0; stream < 3; ++stream) {
    if (fcntl(stream, F_GETFD) < 0) (void)open("/dev/null", modes[stream]);  // takes the lowest
  }
}

void write_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void write_stdout(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail_stdout();
}

void flush_stdout() {
  if (std::fflush(stdout) != 0) fail_stdout();
}

}  // namespace molrt::cli
