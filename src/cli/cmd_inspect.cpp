// molrt inspect: what a weight file is.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "cli/outline.h"
#include "cli/session.h"
#include "cli/tally.h"

namespace molrt::cli {
namespace {

struct InspectOptions {
  std::string file;
  OpenOptions open;
  ReportOptions report;
};

void inspect(const InspectOptions& options) {
  Progress progress(options.report);
  const auto context = make_context(1, progress);
  const auto model = open_model(context.get(), options.file, options.open);
  auto json = nlohmann::ordered_json::parse(describe(model.get()));
  json["bytes_read"] = model_info(model.get()).bytes_read;
  json["file_bytes"] = std::filesystem::file_size(options.file);
  if (options.report.json) {
    print_json(json, false);
  } else {
    print_text(fmt::format("{}: {}\n{}", options.file, one_line(model.get()), outline(json)));
  }
}

}  // namespace

Command inspect_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "inspect", "Architecture, dictionary, head, targets, settings and origin of a weight file");
  auto options = std::make_shared<InspectOptions>();
  command->add_option("file", options->file, "Weights: .pt, .pth or molrt's own")
      ->required()
      ->type_name("FILE");
  add_report_options(*command, options->report);
  add_open_options(*command, options->open);
  return {command, [options] { inspect(*options); }};
}

}  // namespace molrt::cli
