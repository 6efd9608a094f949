#include "cli/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/text.h"

namespace molrt::cli {
namespace {

// Levenshtein's: insertions, deletions and replacements from one word to the other.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (lower(a[i]) != lower(b[j]));
      diagonal = std::exchange(row[j + 1], std::min({replaced, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near.empty() ? "" : fmt::format("; did you mean {}?", near);
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

bool given(const CLI::App& command, const std::string& name) {
  const auto* option = command.get_option_no_throw(name);
  return option && option->count() > 0;
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  const auto closer = [&](const std::string& a, const std::string& b) {
    return edit_distance(word, a) < edit_distance(word, b);
  };
  const auto best = std::min_element(known.begin(), known.end(), closer);
  if (best == known.end()) return "";
  const size_t distance = edit_distance(word, *best);
  const bool near = distance <= std::max<size_t>(2, word.size() / 3) && distance < word.size();
  return near ? *best : "";
}

std::string unknown_argument(const CLI::App& app, const CLI::App& command) {
  const auto left = app.remaining(true);
  const auto option = std::find_if(left.begin(), left.end(), [](const std::string& argument) {
    return argument.size() > 1 && argument[0] == '-' && argument != "--";
  });
  if (option != left.end()) {
    const auto name = option->substr(0, option->find('='));
    return fmt::format("unknown option {}{}", name, suggestion(name, option_names(command)));
  }
  if (left.empty()) return "";
  if (&command == &app) {
    return fmt::format("unknown command '{}'{}", left[0], suggestion(left[0], command_names(app)));
  }
  return fmt::format("unexpected argument '{}'{}", left[0],
                     given(command, "--target") ? "; give --target once for each column" : "");
}

}  // namespace molrt::cli
