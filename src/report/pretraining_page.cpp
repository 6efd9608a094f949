#include "report/pretraining_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/chart.h"
#include "report/html.h"
#include "report/scale.h"

namespace molrt {
namespace {

using namespace report;
using Json = nlohmann::ordered_json;

constexpr size_t most_points = 400;  // of a line

struct Curve {
  const char *key, *title, *y, *caption;
};

constexpr Curve curves[] = {
    {"loss", "All losses", "weighted sum",
     "The sum that is minimised. Level lines at the end mean that more steps would bring little."},
    {"token_accuracy", "Elements", "share right", "Masked atoms whose element was found."},
    {"distance_mae", "Distances", "mean error, Angstrom",
     "Of the distances between displaced atoms and all tokens of their molecule."},
    {"coordinate_mae", "Coordinates", "mean error, Angstrom",
     "Of each coordinate of the displaced atoms; .5 A is what leaving them where they are gives, "
     "with displacements of up to 1 A."},
    {"supervised", "Targets", "smooth L1, standardised", "Of the targets whose values are known."},
};

std::vector<Point> points_of(const Json& history, const char* part, const char* key) {
  std::vector<Point> points;
  const size_t each = 1 + history.size() / most_points;
  for (size_t i = 0; i < history.size(); ++i) {
    if (i % each != 0 && i + 1 != history.size()) continue;
    const Json sums = history[i].value(part, Json::object());
    if (sums.contains(key)) points.push_back({history[i].at("step"), sums.at(key)});
  }
  return points;
}

std::string picture(const Json& history, const Curve& curve) {
  const auto train = points_of(history, "train", curve.key);
  const auto held_out = points_of(history, "held_out", curve.key);
  std::vector<double> x, y;
  for (const auto* points : {&train, &held_out})
    for (const Point& point : *points) {
      x.push_back(point.x);
      y.push_back(point.y);
    }
  if (x.size() < 2) return "";
  Chart chart(fmt::format("{} by step", curve.title), "step", curve.y, range_of(x), range_of(y));
  chart.key({{"blue", "training"}, {"red", "held out"}});
  chart.line(train, "blue", "training");
  chart.line(held_out, "red", "held out");
  return chart.svg();
}

std::string pictures(const Json& history) {
  std::vector<std::string> all;
  for (const Curve& curve : curves)
    if (const std::string svg = picture(history, curve); !svg.empty())
      all.push_back(figure(curve.title, svg, curve.caption));
  return figures(all);
}

std::string text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string number(const Json& value) {
  return value.is_number() ? number_text(value.get<double>()) : "";
}

std::string last_numbers(const Json& history) {
  if (history.empty()) return "";
  const Json& last = history.back();
  std::vector<Cells> rows;
  const Json train = last.value("train", Json::object());
  const Json held_out = last.value("held_out", Json::object());
  for (const auto& [name, value] : train.items())
    rows.push_back({name, number(value), number(held_out.value(name, Json()))});
  return heading(2, "At the end") + table({"mean", "training", "held out"}, rows);
}

std::string sources(const Json& own) {
  std::vector<Cells> rows;
  for (const Json& source : own.at("sources"))
    rows.push_back({text(source.at("name")), text(source.at("used")), text(source.at("excluded")),
                    text(source.at("unusable")), source.value("sha256", "")});
  return heading(2, "Molecules") +
         table({"source", "used", "excluded", "unusable", "SHA-256"}, rows);
}

std::string settings(const Json& own) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& [name, value] : own.at("settings").items()) rows.emplace_back(name, text(value));
  return details("Settings", facts(rows));
}

}  // namespace

std::string pretraining_page(const Pretraining& run) {
  const Json report = Json::parse(run.report());
  const Json& own = report.at("pretraining");
  const Json& history = report.at("history");
  const Json& molecules = own.at("molecules");
  std::string body = heading(1, "Pre-training");
  body += paragraph(
      fmt::format("{} steps of {} molecules; {} molecules to train on, {} held out for the curves.",
                  text(own.at("steps")), text(own.at("settings").at("batch_size")),
                  text(molecules.at("training")), text(molecules.at("held_out"))));
  body += pictures(history) + last_numbers(history) + sources(own) + settings(own);
  return page("Pre-training", body);
}

}  // namespace molrt
