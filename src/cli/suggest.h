#pragma once
// Help with a misspelt word.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace molrt::cli {

// The known word that `word` is most likely meant for, letters' case aside; empty if none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

// What is wrong with the first argument that the command line does not know, with the nearest
// option or command; empty if every argument is known.
std::string unknown_argument(const CLI::App& app, const CLI::App& command);

}  // namespace molrt::cli
