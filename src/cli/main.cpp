// The `molrt` command: parses the command line, runs one command, turns errors into exit codes.
#include <fmt/format.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <new>
#include <regex>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/settings_flags.h"
#include "cli/signals.h"
#include "cli/suggest.h"
#include "molrt.h"

namespace molrt::cli {
namespace {

enum ExitCode { success = 0, failed = 1, usage = 2, bad_input = 3 };

constexpr const char* exit_codes = R"(Exit codes:
  0    done; rows that failed say so in their status, and the summary counts them
  1    the run failed: a file cannot be opened, read or written, or memory ran out
  2    the command line is wrong: an unknown option, a value out of range, a column that is not there
  3    the input cannot be used: a broken table, labels that are not numbers, broken or foreign weights
  130  interrupted by Ctrl-C (128 + the signal's number)
  141  nobody reads standard output any more, as after `| head`
After any but 0, a regular output file that was there before is as it was, with two exceptions: where
the summary of --json cannot be written (1) it is new and complete, and the rows of a stopped run,
which --resume goes on with, are then in OUTPUT.partial, or with more rows in OUTPUT again. After
Ctrl-C the rows that were finished are in OUTPUT, if nothing else was there before, else in
OUTPUT.partial; --resume goes on with them. finetune leaves the best model so far in the same place,
and OUTPUT.checkpoint, with which --resume goes on.

The usual way:
  molrt finetune --weights molecule train.csv --target COLUMN --folds 5 -o model.molrt
  molrt inspect model.molrt
  molrt predict --model model.molrt molecules.csv -o predicted.csv)";

int exit_code(int32_t status) {
  switch (status) {
    case MOLRT_ERROR_INVALID_ARGUMENT:
      return usage;
    case MOLRT_ERROR_FORMAT:
    case MOLRT_ERROR_UNSUPPORTED:
    case MOLRT_ERROR_DATA:
      return bad_input;
    default:
      return failed;
  }
}

// The library names its settings; here they are flags.
std::string with_flags(std::string text) {
  static const std::regex setting("setting '([a-z0-9_.]+)'");
  for (std::smatch found; std::regex_search(text, found, setting);)
    text = found.prefix().str() + flag_name(found[1]) + found.suffix().str();
  return text;
}

int report(int code, const std::string& text) {
  write_stderr(fmt::format("molrt: {}\n", with_flags(text)));
  return code;
}

int run(const Command& command) {
  try {
    command.run();
    return success;
  } catch (const Stopped& stopped) {
    return report(128 + caught_signal(), stopped.what());
  } catch (const ReaderLeft&) {
    return 128 + SIGPIPE;  // as if the signal had ended it
  } catch (const Error& error) {
    if (caught_signal() && error.status() == MOLRT_ERROR_CANCELLED)
      return report(128 + caught_signal(), "interrupted");
    return report(exit_code(error.status()), error.what());
  } catch (const std::bad_alloc&) {
    return report(failed, "out of memory");
  } catch (const std::exception& error) {
    return report(failed, error.what());
  }
}

int parse_failure(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  const auto unknown = unknown_argument(app, command);
  const auto help =
      fmt::format("molrt {}{}--help tells more", chosen.empty() ? "" : command.get_name(),
                  chosen.empty() ? "" : " ");
  return report(usage, fmt::format("{}\n{}", unknown.empty() ? error.what() : unknown, help));
}

int main(int argc, char** argv) {
  open_standard_streams();
  catch_signals();
  CLI::App app("Molecule property models on plain CPUs.", "molrt");
  app.set_version_flag("--version",
                       fmt::format("molrt {}\n{}", molrt_version_text(), molrt_build_info()));
  app.require_subcommand(1);
  app.footer(exit_codes);
  const std::array commands = {
      finetune_command(app),   predict_command(app),  probe_command(app),   embed_command(app),
      conformers_command(app), pretrain_command(app), convert_command(app), inspect_command(app),
      init_command(app),       cache_command(app)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return parse_failure(app, error);
  }
  for (const auto& command : commands) {
    if (command.app->parsed()) return run(command);
  }
  return usage;  // not reached: a command is required
}

}  // namespace
}  // namespace molrt::cli

int main(int argc, char** argv) { return molrt::cli::main(argc, argv); }
