#include "io/dictionary_file.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "features/dictionary.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;

std::string read_text(const std::string& path) {
  const auto source = ByteSource::open_file(path);
  const auto bytes = source->read(0, source->size(), "dictionary");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

int symbols_in(const std::string& text, const std::string& path) {
  return Dictionary::parse(text, path, TokenLayout::file_order).size();
}

bool has_symbols(const std::string& path, int vocabulary) {
  try {
    return symbols_in(read_text(path), path) == vocabulary;
  } catch (const Error&) {
    return false;
  }
}

// dict.txt and *.dict.txt beside the weights, of the right size.
std::vector<std::string> dictionaries_beside(const std::string& file, int vocabulary) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator i(fs::absolute(file).parent_path(), error), end; !error && i != end;
       i.increment(error)) {
    const std::string name = i->path().filename();
    if ((name == "dict.txt" || name.ends_with(".dict.txt")) && has_symbols(i->path(), vocabulary))
      found.push_back(i->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string dictionary_beside(const std::string& file, int vocabulary) {
  const auto found = dictionaries_beside(file, vocabulary);
  if (found.size() != 1)
    fail(MOLRT_ERROR_FORMAT,
         "{}: 'embed_tokens.weight' has {} rows, a vocabulary that molrt does not ship (31 "
         "molecule, 94 oled), and {} dictionary of {} symbols lies beside the file (dict.txt or "
         "*.dict.txt); name one with the option dictionary",
         file, vocabulary, found.empty() ? "no" : "more than one", vocabulary - 1);
  return read_text(found[0]);
}

}  // namespace

std::string read_dictionary(const std::string& path, int vocabulary, const std::string& weights) {
  std::string text = read_text(path);
  if (const int symbols = symbols_in(text, path); symbols != vocabulary)
    fail(MOLRT_ERROR_FORMAT,
         "{}: the dictionary has {} symbols with [MASK], but 'embed_tokens.weight' of {} has {} "
         "rows",
         path, symbols, weights, vocabulary);
  return text;
}

std::string find_dictionary(const std::optional<std::string>& file, int vocabulary) {
  if (const char* shipped = Dictionary::shipped_text(vocabulary)) return shipped;
  if (!file)
    fail(MOLRT_ERROR_FORMAT,
         "{}: 'embed_tokens.weight' has {} rows, a vocabulary that molrt does not ship (31 "
         "molecule, 94 oled); name its dictionary with the option dictionary",
         "memory", vocabulary);
  return dictionary_beside(*file, vocabulary);
}

void look_beside(const std::string& file, const std::string& chosen, int vocabulary,
                 std::string_view only_named, const std::function<void(const std::string&)>& warn) {
  for (const std::string& path : dictionaries_beside(file, vocabulary)) {
    if (!only_named.empty() && fs::path(path).filename() != only_named) continue;
    const std::string differs = difference(read_text(path), chosen);
    if (!differs.empty())
      warn(
          fmt::format("{}: {} beside it is not the dictionary that molrt ships for {} symbols ({}) "
                      "and is not used (override with the option dictionary)",
                      file, path, vocabulary, differs));
  }
}

std::string difference(const std::string& text, const std::string& expected) {
  const auto symbols = [](const std::string& of) {
    return Dictionary::parse(of, "dictionary", TokenLayout::file_order).symbols();
  };
  const auto found = symbols(text), wanted = symbols(expected);
  const auto [a, b] = std::mismatch(found.begin(), found.end(), wanted.begin(), wanted.end());
  if (a == found.end() && b == wanted.end()) return "";
  const auto shown = [](const auto& at, const auto& end) {
    return at == end ? "nothing" : in_quotes(*at);
  };
  return fmt::format("line {}: {} instead of {}", a - found.begin() + 1, shown(a, found.end()),
                     shown(b, wanted.end()));
}

}  // namespace molrt
