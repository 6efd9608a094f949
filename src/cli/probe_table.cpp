#include "cli/probe_table.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/scores.h"

namespace molrt::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string number(const Json& value) {
  return metric_text(value.is_null() ? NAN : value.get<double>());
}

std::string line(const std::string& name, const Json& values) {
  std::string text = fmt::format("  {:<20}", name);
  for (const auto& value : values) text += fmt::format(" {:>9}", number(value));
  return text;
}

void add_layer(const Json& report, const Json& layer, const std::string& metric,
               std::vector<std::string>& lines) {
  const auto name = fmt::format("layer {}, ", layer["layer"].get<int>());
  lines.push_back(line(name + "random", layer["random"][metric]));
  for (const auto& attribution : report["attributions"])
    for (const char* order : {"low", "high"}) {
      const auto key = attribution.get<std::string>();
      lines.push_back(line(name + key + " " + order, layer[key][order][metric]));
    }
}

}  // namespace

std::vector<std::string> probe_table(const Json& report) {
  std::vector<std::string> lines;
  const auto first = report["metrics"][0].get<std::string>(),
             second = report["metrics"][1].get<std::string>();
  for (const auto& target : report["targets"]) {
    const auto& plain = target["plain"];
    lines.push_back(fmt::format("'{}': {} values; with all keys {} {}, {} {}",
                                target["name"].get<std::string>(), target["n"].get<size_t>(), first,
                                number(plain[first]), second, number(plain[second])));
    lines.push_back(line(first + ", dropped part", report["rates"]));
    for (const auto& layer : target["layers"]) add_layer(report, layer, first, lines);
  }
  return lines;
}

}  // namespace molrt::cli
