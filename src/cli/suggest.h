#pragma once
// Help with a misspelt word.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace molrt::cli {

// What is wrong with the first argument that the command line does not know, with the nearest
// option or command; empty if every argument is known.
std::string unknown_argument(const CLI::App& app, const CLI::App& command);

}  // namespace molrt::cli
