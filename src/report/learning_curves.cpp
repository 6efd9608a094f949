// How training went: losses and the followed metric, epoch by epoch, of every member.
#include <fmt/format.h>

#include <cmath>

#include "report/chart.h"
#include "report/html.h"
#include "report/metric_names.h"
#include "report/sections.h"

namespace molrt::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t most_members = 20;  // lines of a kind in a picture
constexpr size_t most_points = 400;  // of a line

// The history's numbers under `key`, thinned evenly; its ends stay.
std::vector<Point> curve(const Json& history, const char* key) {
  std::vector<Point> points;
  const size_t step = 1 + history.size() / most_points;
  for (size_t i = 0; i < history.size(); ++i) {
    const auto epoch = find_number(history[i], "epoch"), value = find_number(history[i], key);
    const bool shown = i % step == 0 || i + 1 == history.size();
    if (shown && epoch && value && std::isfinite(*value)) points.push_back({*epoch, *value});
  }
  return points;
}

struct Curves {
  std::string style, name;
  std::vector<std::vector<Point>> members;
};

Curves collect(const ReportData& data, const char* key, const char* style, const char* name) {
  Curves curves = {style, name, {}};
  for (const Json& fold : data.run.value("folds", Json::array())) {
    std::vector<Point> points = curve(fold.value("history", Json::array()), key);
    if (!points.empty() && curves.members.size() < most_members)
      curves.members.push_back(std::move(points));
  }
  return curves;
}

void append_values(const Curves& curves, std::vector<double>& x, std::vector<double>& y) {
  for (const auto& points : curves.members)
    for (const Point& point : points) {
      x.push_back(point.x);
      y.push_back(point.y);
    }
}

std::string draw(const std::vector<Curves>& all, const char* description, const char* y_name) {
  std::vector<double> x, y;
  for (const Curves& curves : all) append_values(curves, x, y);
  if (y.empty()) return "";
  const Range height = range_of(y);
  Chart chart(description, "epoch", y_name, range_of(x),
              Range{std::min(0.0, height.low), height.high});
  std::vector<std::pair<std::string, std::string>> key;
  for (const Curves& curves : all) {
    if (!curves.members.empty()) key.emplace_back(curves.style, curves.name);
    for (size_t i = 0; i < curves.members.size(); ++i)
      chart.line(curves.members[i], curves.style + (curves.members.size() > 1 ? " faint" : ""),
                 fmt::format("{}, member {}", curves.name, i + 1));
  }
  chart.key(key);
  return chart.svg();
}

}  // namespace

std::string learning_curves(const ReportData& data) {
  const Curves train = collect(data, "train_loss", "blue", "training");
  const Curves valid = collect(data, "valid_loss", "red", "held out");
  const Curves metric = collect(data, "metric", "green", "held out");
  const std::string name = metric_label(data.run.value("metric", "metric"));
  const std::string pictures = figures(
      {figure("Loss", draw({train, valid}, "Loss by epoch", "loss"),
              "Both lines should fall and then stay level. A held-out line that rises while the "
              "training line falls means that the network learns its molecules by heart: fewer "
              "epochs, early stopping or more dropout help."),
       figure("Held-out " + name, draw({metric}, "Held-out metric by epoch", name.c_str()),
              "What was followed on the held-out molecules.")});
  return pictures.empty() ? "" : heading(2, "Learning curves") + pictures;
}

}  // namespace molrt::report
