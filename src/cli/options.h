#pragma once
// Options that several commands share. Each add_* declares them on a command; a command declares
// only what has an effect there.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>

namespace molrt::cli {

struct ReportOptions {
  bool verbose = false;
  bool quiet = false;
  bool json = false;
};

struct OpenOptions {
  std::string hydrogens = "auto";
  std::string layout = "auto";
  std::string dictionary;
  int max_atoms = 0;
  int fold = -1;  // all
};

// The file that keeps conformers.
struct CacheOptions {
  std::string path;        // empty: the usual one; "off": none
  uint64_t max_bytes = 0;  // 0: the library's usual limit
};

struct ConformerOptions {
  std::string ladder = "default";
  int seed = 42;
  double time_limit = 60;
  int max_atoms = 0;  // of `molrt conformers`; elsewhere the model's limit holds
  int count = 1;
  bool flat = false;
  bool canonical = false;
  CacheOptions cache;
};

struct RunOptions {
  int threads = 0;
  int batch_size = 0;
  std::string precision = "f32";
  bool crop = false;
};

// How predict predicts, and what it says of the errors.
struct UncertainOptions {
  std::string mode = "auto";
  int samples = 0;  // as the model says
  double level = .9;
  bool details = false;
};

struct InputOptions {
  std::string path;
  std::string smiles;  // column; empty: guessed
  std::string format = "auto";
  std::string delimiter = "auto";
  std::string encoding;  // empty: by the byte order mark, else as it is
  bool decimal_comma = false;
};

struct OutputOptions {
  std::string path = "-";
  std::string format;  // empty: by the path's extension
  bool resume = false;
  const CLI::App* command = nullptr;  // whose options the results depend on
};

// What predict and embed have in common.
struct ModelRunOptions {
  std::string model;
  InputOptions input;
  OutputOptions output;
  OpenOptions open;
  ConformerOptions conformers;
  RunOptions run;
  ReportOptions report;
};

// How a model's tensors are stored: of --dtype.
extern const std::map<std::string, int32_t> dtypes;
void add_dtype_option(CLI::App& command, std::string& value);

CLI::Validator at_least(double minimum);
template <typename Integer>
CLI::Validator whole_from(Integer minimum);  // of int, uint64_t

// The option may be given several times, with one value each.
CLI::Option* repeatable(CLI::Option* option);
// Of an option that names weights: the shipped file for a bare name such as "molecule"; all else as
// it is.
std::string model_path(const std::string& name);

void add_report_options(CLI::App& command, ReportOptions& options);
void add_open_options(CLI::App& command, OpenOptions& options);
CLI::Option* add_hydrogens_option(CLI::App& command, std::string& value);
CLI::Option* add_layout_option(CLI::App& command, std::string& value);
void add_conformer_options(CLI::App& command, ConformerOptions& options);
// How many conformers, and of which text.
void add_sampling_options(CLI::App& command, ConformerOptions& options);
void add_threads_option(CLI::App& command, RunOptions& options);
void add_run_options(CLI::App& command, RunOptions& options);
void add_uncertain_options(CLI::App& command, UncertainOptions& options);
void add_input_options(CLI::App& command, InputOptions& options);
void add_decimal_comma_option(CLI::App& command, InputOptions& options);
void add_output_options(CLI::App& command, OutputOptions& options, const std::string& formats);
// All but the model, whose flag and help are the command's own.
void add_model_run_options(CLI::App& command, ModelRunOptions& options, const std::string& formats);

}  // namespace molrt::cli
