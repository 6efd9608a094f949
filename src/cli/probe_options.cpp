#include "cli/probe_options.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/run_facts.h"

namespace molrt::cli {
namespace {

// The numbers between commas.
template <typename Number>
std::vector<Number> number_list(const char* flag, const std::string& text, const char* expected) {
  std::vector<Number> list;
  for (const auto& word : CLI::detail::split(text, ',')) {
    const std::string_view trimmed = trim(word);
    const char* end = trimmed.data() + trimmed.size();
    Number value{};
    const auto result = std::from_chars(trimmed.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end)
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "{} {}: takes {}, not '{}'", flag, text, expected, word);
    list.push_back(value);
  }
  return list;
}

void add_what_is_dropped(CLI::App& command, ProbeOptions& options) {
  command
      .add_option("--layers", options.layers,
                  "Layers to probe, one at a time: numbers from 0 with commas, or all [all of a "
                  "network with up to 8 layers; else the first, the middle and the last]")
      ->type_name("LIST");
  command
      .add_option("--rates", options.rates,
                  "Parts of the keys to drop: numbers between 0 and 1 with commas [0.1,0.2 to 0.9]")
      ->type_name("LIST");
  command
      .add_option("--attribution", options.attribution,
                  "What ranks the keys, by their gradient: gold, which reads the measured values "
                  "(-squared error; of classes -cross-entropy); abs, which does not (magnitude of "
                  "the output's; of classes the predicted class's logit); or both")
      ->check(CLI::IsMember({"gold", "abs", "both"}).description(""))
      ->type_name("{gold|abs|both}")
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Seed of the random order")
      ->check(whole_from<uint64_t>(0))
      ->type_name("N")
      ->capture_default_str();
}

}  // namespace

std::vector<int32_t> layer_list(const ProbeOptions& options, int32_t layers) {
  std::vector<int32_t> all;
  if (options.layers.empty()) return all;
  if (options.layers != "all")
    return number_list<int32_t>("--layers", options.layers,
                                "layers, from 0, with commas between them, or all");
  for (int32_t layer = 0; layer < layers; ++layer) all.push_back(layer);
  return all;
}

std::vector<double> rate_list(const ProbeOptions& options) {
  if (options.rates.empty()) return {};
  return number_list<double>("--rates", options.rates,
                             "numbers between 0 and 1, with commas between them");
}

uint32_t attribution_flags(const ProbeOptions& options) {
  if (options.attribution == "gold") return MOLRT_ATTRIBUTION_GOLD;
  if (options.attribution == "abs") return MOLRT_ATTRIBUTION_ABS;
  return MOLRT_ATTRIBUTION_GOLD | MOLRT_ATTRIBUTION_ABS;
}

void check_probe_options(const ProbeOptions& options) {
  layer_list(options, 0);
  rate_list(options);
  if (options.html.empty()) return;
  if (options.html == "-")
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "--output -: the page goes to a file; name one");
  check_output_is_no_input(*options.command, options.html);
  check_file_output(options.html);
}

CLI::App* add_probe_command(CLI::App& app, const std::shared_ptr<ProbeOptions>& options) {
  auto* command = app.add_subcommand(
      "probe", "See how predictions change as a model's attention loses its keys, layer by layer");
  command->add_option("-m,--model", options->model, "Model with a head, as molrt finetune makes it")
      ->required()
      ->transform(model_path)
      ->type_name("FILE");
  add_input_options(*command, options->input);
  add_decimal_comma_option(*command, options->input);
  repeatable(command->add_option("-t,--target", options->targets,
                                 "Column of measured values, by name or position (#2); once for "
                                 "each target of the model, in its order"))
      ->required()
      ->type_name("COLUMN");
  add_what_is_dropped(*command, *options);
  command->add_option("-o,--output", options->html, "A page with pictures for the browser to write")
      ->type_name("FILE.html");
  add_run_options(*command, options->run);
  add_report_options(*command, options->report);
  add_open_options(*command, options->open);
  add_conformer_options(*command, options->conformers);
  add_sampling_options(*command, options->conformers);
  command->footer(
      "One layer at a time, every query of the attention does without a part of its keys: those "
      "of\n"
      "low attribution first, those of high attribution first, or others at random. The metrics "
      "are\n"
      "RMSE and R2 over the table; of classes ROC AUC and accuracy. What it will cost is told "
      "first,\n"
      "in passes through the network: 3 layers at 9 rates by both take about 80 passes of one\n"
      "network, where a prediction is one. --json prints all numbers on stdout.");
  return command;
}

}  // namespace molrt::cli
