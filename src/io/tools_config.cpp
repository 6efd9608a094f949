#include "io/tools_config.h"

#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "io/yaml.h"

namespace molrt {
namespace {

constexpr int most_folds = 1000;
constexpr int most_targets = 10'000;

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

class ConfigReader {
 public:
  ConfigReader(const YamlMapping& yaml, const std::string& file) : yaml_(yaml), file_(file) {}

  [[noreturn]] void broken(const char* key, const std::string& expected) const {
    fail(MOLRT_ERROR_FORMAT, "{}: '{}' is {}, expected {}", file_, key, found(key), expected);
  }
  [[noreturn]] void unsupported(const char* key, const std::string& expected) const {
    fail(MOLRT_ERROR_UNSUPPORTED, "{}: '{}' is {}; molrt predicts with {}", file_, key, found(key),
         expected);
  }

  bool has(const char* key) const {
    return yaml_.scalars.contains(key) || yaml_.others.contains(key);
  }
  // Null and missing are the same.
  std::optional<std::string> text(const char* key) const {
    if (yaml_.others.contains(key)) broken(key, "a simple value");
    const auto value = yaml_.scalars.find(key);
    if (value == yaml_.scalars.end() || value->second.is_null()) return {};
    return value->second.text;
  }
  std::string required_text(const char* key) const {
    const auto value = text(key);
    if (!value || value->empty()) broken(key, "a text");
    return *value;
  }
  std::optional<int> integer(const char* key, int smallest, int largest) const {
    const auto value = text(key);
    if (!value) return {};
    int number = 0;
    const char* end = value->data() + value->size();
    const auto [rest, error] = std::from_chars(value->data(), end, number);
    if (error != std::errc() || rest != end || number < smallest || number > largest)
      broken(key, fmt::format("a whole number from {} to {}", smallest, largest));
    return number;
  }
  bool boolean(const char* key, bool missing) const {
    const auto value = text(key);
    if (!value) return missing;
    for (const char* yes : {"true", "True", "TRUE", "yes", "on"})
      if (*value == yes) return true;
    for (const char* no : {"false", "False", "FALSE", "no", "off"})
      if (*value == no) return false;
    broken(key, "true or false");
  }

 private:
  std::string found(const char* key) const {
    if (const auto other = yaml_.others.find(key); other != yaml_.others.end())
      return other->second;
    const auto value = yaml_.scalars.find(key);
    if (value == yaml_.scalars.end()) return "missing";
    return value->second.is_null() ? "null" : in_quotes(value->second.text);
  }

  const YamlMapping& yaml_;
  const std::string& file_;
};

Task read_task(const ConfigReader& reader) {
  const std::string text = reader.required_text("task");
  if (text == "regression" || text == "multilabel_regression") return Task::regression;
  if (text == "classification") return Task::binary;
  if (text == "multiclass") return Task::multiclass;
  if (text == "multilabel_classification") return Task::multilabel;
  reader.unsupported("task",
                     "regression, multilabel_regression, classification, multiclass and "
                     "multilabel_classification");
}

// 'auto' is what the peer decided when it trained; the scaler's file says what that was.
bool needs_scaler(const ConfigReader& reader, const ToolsConfig& config) {
  if (config.task != Task::regression || config.target_normalize == "none") return false;
  for (const char* known :
       {"auto", "minmax", "standard", "robust", "maxabs", "quantile", "power_trans", "log1p"})
    if (config.target_normalize == known) return true;
  reader.unsupported("target_normalize",
                     "auto, minmax, standard, robust, maxabs, quantile, power_trans, log1p and "
                     "none");
}

void read_targets(const ConfigReader& reader, ToolsConfig& config) {
  config.targets = split_at_commas(reader.required_text("target_cols"));
  const auto count = static_cast<int>(config.targets.size());
  if (count > most_targets) reader.broken("target_cols", "fewer columns");
  const auto classes = reader.integer("num_classes", 1, most_targets);
  if (classes && *classes != count)
    reader.broken("num_classes", fmt::format("{}, as 'target_cols' names so many columns (a comma "
                                             "in a column's name would be one reason)",
                                             count));
  const bool several = config.task_text.starts_with("multilabel");
  if (!several && count != 1)
    reader.broken("target_cols", fmt::format("one column for the task {}", config.task_text));
  if (config.task != Task::multiclass) return;
  config.classes = reader.integer("multiclass_cnt", 2, most_targets).value_or(0);
}

PairKernel read_kernel(const ConfigReader& reader) {
  if (reader.text("model_name").value_or("unimolv1") != "unimolv1")
    reader.unsupported("model_name", "unimolv1");
  const std::string data = reader.text("data_type").value_or("molecule");
  if (data == "molecule") return PairKernel::gaussian;
  if (data == "oled") return PairKernel::linear;
  reader.unsupported("data_type", "molecule and oled");
}

// Before there was 'kfold', 'split_method' said it: "5fold_random".
int read_folds(const ConfigReader& reader) {
  if (const auto folds = reader.integer("kfold", 1, most_folds)) return *folds;
  const std::string method = reader.required_text("split_method");
  int folds = 0;
  const auto end = std::from_chars(method.data(), method.data() + method.size(), folds).ptr;
  if (folds < 1 || folds > most_folds || !std::string_view(end).starts_with("fold"))
    reader.broken("split_method", "a text such as 5fold_random");
  return folds;
}

}  // namespace

ToolsConfig parse_tools_config(std::string_view text, const std::string& file) {
  const YamlMapping yaml = parse_flat_yaml(text, file);
  const ConfigReader reader(yaml, file);
  ToolsConfig config;
  config.kernel = read_kernel(reader);
  config.task = read_task(reader);
  config.task_text = reader.required_text("task");
  read_targets(reader, config);
  const auto normalize = reader.text("target_normalize");
  config.target_normalize = normalize.value_or("none");
  config.scaled = needs_scaler(reader, config);
  config.scaled_if_there = config.task == Task::regression && !normalize;
  config.hydrogens = reader.boolean("remove_hs", false) ? Hydrogens::none : Hydrogens::all;
  // The key came with unimol_tools 0.1.5, as did the other layout.
  config.layout =
      reader.has("pretrained_model_path") ? TokenLayout::specials_first : TokenLayout::file_order;
  config.folds = read_folds(reader);
  config.max_atoms = reader.integer("max_atoms", 1, largest_molecule).value_or(default_max_atoms);
  config.own_dictionary = reader.text("pretrained_dict_path").value_or("");
  for (const auto& [key, value] : yaml.scalars) config.values[key] = value.text;
  return config;
}

}  // namespace molrt
