#pragma once
// Ctrl-C and its like: the run stops at the next chance, removes what it had begun to write, and
// the command ends with 128 + the signal's number. A second one ends it at once.

namespace molrt::cli {

void catch_signals();  // SIGINT, SIGTERM, SIGHUP; SIGPIPE becomes an error of writing
int caught_signal();   // its number, or 0
void check_signals();  // throws CANCELLED after a signal

}  // namespace molrt::cli
