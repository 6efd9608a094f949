#include "cli/signals.h"

#include <csignal>

#include "base/error.h"

namespace molrt::cli {
namespace {

volatile std::sig_atomic_t caught = 0;

void remember(int number) { caught = number; }

}  // namespace

void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESETHAND;  // no SA_RESTART: a blocked read returns
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction before = {};
  sigaction(SIGHUP, nullptr, &before);
  if (before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // nohup's word holds
  std::signal(SIGPIPE, SIG_IGN);  // a write that fails says so itself
  std::signal(SIGXFSZ, SIG_IGN);
}

int caught_signal() { return caught; }

void check_signals() {
  if (caught) fail(MOLRT_ERROR_CANCELLED, "interrupted");
}

}  // namespace molrt::cli
