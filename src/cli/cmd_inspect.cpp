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

// Of a directory, what lies in it.
uintmax_t bytes_of(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return std::filesystem::file_size(path);
  uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

void inspect(const InspectOptions& options) {
  Progress progress(options.report);
  const auto context = make_context(1, progress);
  const auto model = open_model(context.get(), options.file, options.open);
  auto json = nlohmann::ordered_json::parse(describe(model.get()));
  json["bytes_read"] = model_info(model.get()).bytes_read;
  json["file_bytes"] = bytes_of(options.file);
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
  command
      ->add_option("file", options->file,
                   "Weights: .pt, .pth, molrt's own, a directory saved by unimol_tools, or "
                   "molecule or oled, which come with molrt")
      ->required()
      ->transform(model_path)
      ->type_name("FILE");
  add_report_options(*command, options->report);
  add_open_options(*command, options->open);
  return {command, [options] { inspect(*options); }};
}

}  // namespace molrt::cli
