#pragma once
// Ctrl-C and its like: the run stops at the next chance, puts what it has finished in place where
// that loses nothing, and the command ends with 128 + the signal's number. A second one ends it at
// once.
#include <stdexcept>

namespace molrt::cli {

// A run that a signal has stopped, and what became of its rows.
struct Stopped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void catch_signals();  // SIGINT, SIGTERM, SIGHUP; SIGPIPE becomes an error of writing
int caught_signal();   // its number, or 0
void check_signals();  // throws CANCELLED after a signal

}  // namespace molrt::cli
