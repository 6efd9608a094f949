#include "cli/run_outline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "cli/session.h"
#include "cli/settings_flags.h"

namespace molrt::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t line_width = 100;

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string target_line(const std::string& name, std::span<const double> values, size_t index,
                        size_t targets) {
  double low = INFINITY, high = -INFINITY, sum = 0;
  size_t count = 0;
  for (size_t i = index; i < values.size(); i += targets) {
    if (std::isnan(values[i])) continue;
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
    sum += values[i];
    ++count;
  }
  if (count == 0) return fmt::format("'{}': no values", name);
  return fmt::format("'{}': {} values from {:.4g} to {:.4g}, mean {:.4g}", name, count, low, high,
                     sum / static_cast<double>(count));
}

std::map<std::string, Json> default_values() {
  std::map<std::string, Json> values;
  for (size_t i = 0; i < molrt_settings_count(); ++i) {
    molrt_setting_info info;
    check(molrt_setting_info_init(&info, sizeof info));
    check(molrt_settings_describe(i, &info));
    values[info.name] =
        info.type == MOLRT_SETTING_TEXT ? Json(info.default_text) : Json::parse(info.default_text);
  }
  return values;
}

// Words behind a head, wrapped; lines after the first are indented.
void append_wrapped(const std::string& head, const std::vector<std::string>& words,
                    std::vector<std::string>& lines) {
  std::string line = head;
  for (const auto& word : words) {
    if (line.size() + 1 + word.size() > line_width) lines.push_back(std::exchange(line, " "));
    line += ' ' + word;
  }
  if (!words.empty()) lines.push_back(line);
}

}  // namespace

std::vector<std::string> data_lines(const std::vector<std::string>& targets,
                                    std::span<const double> values) {
  constexpr size_t most = 20;
  std::vector<std::string> lines;
  for (size_t i = 0; i < std::min(most, targets.size()); ++i)
    lines.push_back(target_line(targets[i], values, i, targets.size()));
  if (targets.size() > most) lines.push_back(fmt::format("... and {} more", targets.size() - most));
  return lines;
}

std::vector<std::string> settings_lines(const molrt_job* job) {
  const auto json = Json::parse(read_text([&](char* buffer, size_t capacity, size_t* needed) {
    return molrt_job_get_settings(job, buffer, capacity, needed);
  }));
  const auto usual = default_values();
  std::vector<std::string> changed;
  std::map<std::string, std::vector<std::string>> others;  // by method; "": of none
  for (const auto& [name, value] : json.items()) {
    const auto word = fmt::format("{} {}", flag_name(name), text_of(value));
    const auto dot = name.find('.');
    if (value != usual.at(name) && usual.at(name) != "auto")  // which stands for what runs
      changed.push_back(fmt::format("{} (default {})", word, text_of(usual.at(name))));
    else
      others[dot == std::string::npos ? "" : name.substr(0, dot)].push_back(word);
  }
  std::vector<std::string> lines;
  append_wrapped("settings that differ from the defaults:", changed, lines);
  for (const auto& [method, words] : others)
    append_wrapped(method.empty() ? "settings by default:" : "  " + method + ":", words, lines);
  return lines;
}

std::string counted_line(const molrt_job* job) {
  const auto text = read_text([&](char* buffer, size_t capacity, size_t* needed) {
    return molrt_job_get_counted(job, buffer, capacity, needed);
  });
  if (text.empty()) return "";
  const auto json = Json::parse(text);
  std::string line =
      fmt::format("counted: a step costs {:.3g} plain ones", json.at("cost").get<double>());
  if (json.at("extra_epochs") != 0)
    line +=
        fmt::format(", and there are {:.3g} epochs more", json.at("extra_epochs").get<double>());
  if (json.at("encoder_kappa").is_null()) return line;
  return line +
         fmt::format(
             "; kappa, the weight of the noise's variance in the squared error: {:.3g} in the "
             "encoder, {:.3g} in the head",
             json.at("encoder_kappa").get<double>(), json.at("head_kappa").get<double>());
}

}  // namespace molrt::cli
