#include "cli/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace molrt::cli {

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

}  // namespace molrt::cli
