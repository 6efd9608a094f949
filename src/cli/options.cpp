#include "cli/options.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <sstream>

#include "base/error.h"
#include "cli/conformer_cache.h"
#include "cli/session.h"

namespace molrt::cli {
namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> list;
  for (std::string word; stream >> word;) list.push_back(word);
  return list;
}

CLI::Option* add_choice(CLI::App& command, const std::string& name, std::string& value,
                        const std::string& help, const std::string& choices) {
  return command.add_option(name, value, help)
      ->check(CLI::IsMember(words(choices)).description(""))
      ->type_name("{" + CLI::detail::join(words(choices), "|") + "}")
      ->capture_default_str();
}

}  // namespace

// CLI11's own say a range that ends in 309 digits.
CLI::Validator at_least(double minimum) {
  const auto check = [minimum](const std::string& text) {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= minimum) return std::string();
    return fmt::format("takes a number from {} on, not '{}'", minimum, text);
  };
  return CLI::Validator(check, "");
}

namespace {

CLI::Validator between_0_and_1() {
  const auto check = [](const std::string& text) {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value > 0 && value < 1) return std::string();
    return fmt::format("takes a number between 0 and 1, such as 0.9, not '{}'", text);
  };
  return CLI::Validator(check, "");
}

}  // namespace

template <typename Integer>
CLI::Validator whole_from(Integer minimum) {
  const auto check = [minimum](const std::string& text) {
    Integer value{};
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec == std::errc::result_out_of_range) return fmt::format("'{}' is too large", text);
    if (result.ec == std::errc() && result.ptr == end && value >= minimum) return std::string();
    return fmt::format("takes a whole number from {} on, not '{}'", minimum, text);
  };
  return CLI::Validator(check, "");
}
template CLI::Validator whole_from<int>(int);
template CLI::Validator whole_from<uint64_t>(uint64_t);

std::string model_path(const std::string& name) try {
  return read_text([&](char* buffer, size_t capacity, size_t* needed) {
    return molrt_model_find(name.c_str(), buffer, capacity, needed);
  });
} catch (const Error&) {
  return name;  // opening it tells what is wrong
}

CLI::Option* repeatable(CLI::Option* option) {
  return option->expected(1)->allow_extra_args(false)->take_all();
}

void add_report_options(CLI::App& command, ReportOptions& options) {
  auto* verbose = command.add_flag("-v,--verbose", options.verbose,
                                   "More messages, and progress also where stderr is no terminal");
  command.add_flag("-q,--quiet", options.quiet, "Errors only")->excludes(verbose);
  command.add_flag("--json", options.json,
                   "The summary as one JSON object: on stdout, or on stderr where stdout carries "
                   "the results");
}

CLI::Option* add_hydrogens_option(CLI::App& command, std::string& value) {
  return add_choice(
      command, "--hydrogens", value,
      "What the weights were trained with; auto: as the file says, else molecule all, oled "
      "none",
      "auto all none");
}

CLI::Option* add_layout_option(CLI::App& command, std::string& value) {
  return add_choice(command, "--layout", value,
                    "Order of the special tokens; auto: as the file says, else file-order",
                    "auto file-order specials-first");
}

const std::map<std::string, int32_t> dtypes = {{"keep", MOLRT_DTYPE_KEEP},
                                               {"f32", MOLRT_DTYPE_F32},
                                               {"f16", MOLRT_DTYPE_F16},
                                               {"bf16", MOLRT_DTYPE_BF16}};

void add_dtype_option(CLI::App& command, std::string& value) {
  command.add_option("--dtype", value, "How the tensors are stored")
      ->check(CLI::IsMember(dtypes).description(""))
      ->type_name("{keep|f32|f16|bf16}")
      ->capture_default_str();
}

void add_open_options(CLI::App& command, OpenOptions& options) {
  add_hydrogens_option(command, options.hydrogens);
  add_layout_option(command, options.layout);
  command
      .add_option("--dictionary", options.dictionary,
                  "Dictionary (dict.txt) of weights whose vocabulary is neither of the shipped "
                  "ones")
      ->type_name("FILE");
  command
      .add_option("--max-atoms", options.max_atoms,
                  "Largest molecule that the model takes [as the file says, else 256]")
      ->check(whole_from(1))
      ->type_name("N");
  command.add_option("--fold", options.fold, "One fold of a k-fold model alone, from 0")
      ->check(whole_from(0))
      ->type_name("N");
  for (auto* option : command.get_options()) {
    const auto name = option->get_single_name();
    if (name == "hydrogens" || name == "layout" || name == "dictionary" || name == "max-atoms" ||
        name == "fold") {
      option->group("Opening weights");
    }
  }
}

void add_conformer_options(CLI::App& command, ConformerOptions& options) {
  add_choice(command, "--ladder", options.ladder,
             "What is tried: ETKDG, ETKDG from random coordinates, 2D (default); ETKDG, 2D (peer)",
             "default peer")
      ->group("Conformers");
  command.add_option("--conformer-seed", options.seed, "RDKit's random seed")
      ->check(whole_from(0))
      ->type_name("N")
      ->capture_default_str()
      ->group("Conformers");
  command
      .add_option("--time-limit", options.time_limit,
                  "Seconds for an attempt at a conformer; 0: none")
      ->check(at_least(0))
      ->type_name("SECONDS")
      ->capture_default_str()
      ->group("Conformers");
  add_conformer_cache_option(command, options.cache);
  add_conformer_cache_size_option(command, options.cache);
}

constexpr int most_conformers = 1000;  // as molrt.h has it

void add_sampling_options(CLI::App& command, ConformerOptions& options) {
  command
      .add_option("--conformers", options.count,
                  "Conformers a molecule, with seeds from --conformer-seed on; results are means "
                  "over them; at most 1000. As Uni-Mol's authors: --conformers 11 --flat-conformer "
                  "--conformer-seed 0")
      ->check(whole_from(1))
      ->check(CLI::Range(1, most_conformers).description(""))
      ->type_name("N")
      ->capture_default_str()
      ->group("Conformers");
  command
      .add_flag("--flat-conformer", options.flat, "The last of the conformers is the flat drawing")
      ->group("Conformers");
  command
      .add_flag("--canonical", options.canonical,
                "Make each SMILES canonical first: one answer whatever its text")
      ->group("Conformers");
}

void add_threads_option(CLI::App& command, RunOptions& options) {
  command.add_option("--threads", options.threads, "Threads; 0: every core this process may use")
      ->check(whole_from(0))
      ->type_name("N")
      ->capture_default_str();
}

void add_run_options(CLI::App& command, RunOptions& options) {
  add_threads_option(command, options);
  command
      .add_option("--batch-size", options.batch_size,
                  "Molecules in one pass through the network; 0: chosen here. Results do not "
                  "depend on it")
      ->check(whole_from(0))
      ->type_name("N")
      ->capture_default_str();
  command.add_flag(
      "--crop", options.crop,
      "A molecule over the limit of atoms loses its last ones (flag `cropped`) instead "
      "of failing");
}

void add_uncertain_options(CLI::App& command, UncertainOptions& options) {
  add_choice(
      command, "--predict", options.mode,
      "det: without dropout; mc: the mean of many passes with the dropout of training; auto: "
      "as the model says",
      "auto det mc")
      ->group("Uncertainty");
  command
      .add_option("--mc-T", options.samples,
                  "Passes of an MC prediction, 2 to 10000 [as the model says]")
      ->check(whole_from(2))
      ->check(CLI::Range(2, 10000).description(""))
      ->type_name("N")
      ->group("Uncertainty");
  command
      .add_option("--level", options.level,
                  "Part of new values that TARGET_low to TARGET_high should hold")
      ->check(between_0_and_1())
      ->type_name("P")
      ->capture_default_str()
      ->group("Uncertainty");
  command
      .add_flag("--details", options.details,
                "More columns: TARGET_spread (raw, over folds and passes), TARGET_det (without "
                "dropout) and TARGET_gap (what MC differs from it); of classes TARGET_entropy and "
                "TARGET_mutual_information")
      ->group("Uncertainty");
}

void add_input_options(CLI::App& command, InputOptions& options) {
  command
      .add_option("input", options.path,
                  "Molecules: a table with a header, .smi or .sdf, also gzipped; -: stdin")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--smiles", options.smiles,
                  "Column of the SMILES, by name or position (#2) [the only one, or the one named "
                  "like it]")
      ->type_name("COLUMN");
  add_choice(command, "--input-format", options.format,
             "auto: by the name (.smi, .sdf, .tsv), else SDF if it looks so, else a table. smi: "
             "SMILES, blanks, name in each line, no header unless its first word is \"smiles\" or "
             "the like. sdf: a pipe is copied to a temporary file first",
             "auto csv tsv smi sdf")
      ->group("Reading");
  add_choice(command, "--delimiter", options.delimiter,
             "Between the columns of a table; auto: by the first two lines",
             "auto comma semicolon tab")
      ->group("Reading");
  command
      .add_option("--encoding", options.encoding,
                  "Encoding of the text, such as cp1252 or utf-16 [by its byte order mark, else "
                  "the bytes pass as they are]")
      ->type_name("NAME")
      ->group("Reading");
}

void add_decimal_comma_option(CLI::App& command, InputOptions& options) {
  command
      .add_flag("--decimal-comma", options.decimal_comma,
                "Numbers have a decimal comma (1,5), in the input and in results; csv results then "
                "have semicolons")
      ->group("Reading");
}

void add_output_options(CLI::App& command, OutputOptions& options, const std::string& formats) {
  command.add_option("-o,--output", options.path, "Where the results go; -: stdout")
      ->type_name("FILE")
      ->capture_default_str();
  add_choice(command, "--format", options.format,
             "Format of the output [by its extension; csv without one]", formats);
  command.add_flag("--resume", options.resume,
                   "Go on with a run of the same command that was stopped or killed, from the last "
                   "rows in OUTPUT.partial; the bytes are those of a run without a stop. From the "
                   "first row if there is nothing to go on with");
  options.command = &command;
}

void add_model_run_options(CLI::App& command, ModelRunOptions& options,
                           const std::string& formats) {
  add_input_options(command, options.input);
  add_decimal_comma_option(command, options.input);
  add_output_options(command, options.output, formats);
  add_run_options(command, options.run);
  add_choice(command, "--precision", options.run.precision,
             "Of the network's linear layers. bf16: operands rounded to bfloat16, faster and less "
             "exact; split: as sums of two, nearly as exact as f32 (pays with AMX only). Both need "
             "AVX-512",
             "f32 split bf16");
  add_report_options(command, options.report);
  add_open_options(command, options.open);
  add_conformer_options(command, options.conformers);
  add_sampling_options(command, options.conformers);
}

}  // namespace molrt::cli
