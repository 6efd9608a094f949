#pragma once
// What a run's output bytes depend on: so that --resume never joins two different runs.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

namespace molrt::cli {

using Json = nlohmann::ordered_json;

// The library's version and build, the command, every option that changes bytes, and the files it
// reads with their sizes, times and checksums.
Json run_facts(const CLI::App& command);

// The first fact that is not as it was, in words; empty if all are.
std::string first_difference(const Json& was, const Json& is);

// Two names of one file, which need not exist yet.
bool is_same_file(const std::string& one, const std::string& other);

// INVALID_ARGUMENT if the output is one of the files that the command reads.
void check_output_is_no_input(const CLI::App& command, const std::string& output);

// Fails if the page of --report (empty: none) cannot be written later, or would take the place of
// what the command reads or of its --output.
void check_report_page(const CLI::App& command, const std::string& page, const std::string& output);

}  // namespace molrt::cli
