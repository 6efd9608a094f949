#include "report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html.h"

namespace molrt::report {
namespace {

// Pixels of the picture's own coordinates; the page scales it.
constexpr double width = 480, height = 360;
constexpr double left = 64, right = width - 14, top = 30, bottom = height - 50;

std::string tip_markup(std::string_view tip) {
  return tip.empty() ? "" : fmt::format("<title>{}</title>", escaped(tip));
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text,
                    std::string_view more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, more, escaped(text, 60));
}

std::string segment(double x1, double y1, double x2, double y2, std::string_view style) {
  return fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>\n", style, x1, y1, x2,
                     y2);
}

}  // namespace

Range range_of(std::span<const double> values) {
  Range range = {INFINITY, -INFINITY};
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  return range.low <= range.high ? range : Range{0, 1};
}

Chart::Chart(std::string_view description, std::string_view x_name, std::string_view y_name,
             Range x, Range y)
    : Chart(description, x_name, y_name, scale_over(x.low, x.high, left, right),
            scale_over(y.low, y.high, bottom, top)) {}

Chart Chart::exact(std::string_view description, std::string_view x_name, std::string_view y_name,
                   Range x, Range y) {
  return {description, x_name, y_name, Scale{x.low, x.high, left, right},
          Scale{y.low, y.high, bottom, top}};
}

Chart::Chart(std::string_view description, std::string_view x_name, std::string_view y_name,
             Scale x, Scale y)
    : description_(description), x_(x), y_(y) {
  draw_axes(x_name, y_name);
}

void Chart::draw_axes(std::string_view x_name, std::string_view y_name) {
  for (const double value : ticks(x_, 7)) {
    frame_ += segment(x_.at(value), bottom, x_.at(value), top, "grid");
    frame_ += text_at(x_.at(value), bottom + 17, "middle", number_text(value));
  }
  for (const double value : ticks(y_, 6)) {
    frame_ += segment(left, y_.at(value), right, y_.at(value), "grid");
    frame_ += text_at(left - 6, y_.at(value) + 4.5, "end", number_text(value));
  }
  frame_ += fmt::format("<path class=\"axis\" d=\"M{} {}V{}H{}\"/>\n", left, top, bottom, right);
  frame_ += text_at((left + right) / 2, height - 10, "middle", x_name, " class=\"label\"");
  frame_ += text_at(0, 0, "middle", y_name,
                    fmt::format(" class=\"label\" transform=\"translate(14 {}) rotate(-90)\"",
                                (top + bottom) / 2));
}

std::string Chart::place(const Point& point) const {
  return fmt::format("{:.1f} {:.1f}", x_.at(point.x), y_.at(point.y));
}

void Chart::line(std::span<const Point> points, std::string_view style, std::string_view tip) {
  std::string path;
  for (const Point& point : points) path += (path.empty() ? "M" : "L") + place(point);
  if (!path.empty())
    inside_ += fmt::format("<path class=\"{}\" d=\"{}\">{}</path>\n", style, path, tip_markup(tip));
}

void Chart::draw_points(std::span<const Point> points, std::span<const std::string> tips,
                        std::string_view style, double radius) {
  inside_ += fmt::format("<g class=\"{}\">\n", style);
  for (size_t i = 0; i < points.size(); ++i)
    inside_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\">{}</circle>\n",
                           x_.at(points[i].x), y_.at(points[i].y), radius,
                           tips.empty() ? "" : tip_markup(tips[i]));
  inside_ += "</g>\n";
}

void Chart::dots(std::span<const Point> points, std::span<const std::string> tips) {
  draw_points(points, tips, "dots", points.size() > 500 ? 2.5 : 3.5);
}

void Chart::marks(std::span<const Point> points, std::span<const std::string> tips) {
  draw_points(points, tips, "marks", 5);
}

void Chart::bar(double x_low, double x_high, double y, std::string_view tip) {
  inside_ += fmt::format(
      "<rect class=\"bars\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">{}"
      "</rect>\n",
      x_.at(x_low), y_.at(y), x_.at(x_high) - x_.at(x_low), y_.at(0) - y_.at(y), tip_markup(tip));
}

void Chart::key(const std::vector<std::pair<std::string, std::string>>& styles_and_names) {
  double x = left + 4;
  for (const auto& [style, name] : styles_and_names) {
    frame_ += segment(x, 14, x + 26, 14, style);
    frame_ += text_at(x + 32, 18.5, "start", name);
    x += 44 + 7.2 * static_cast<double>(name.size());
  }
}

std::string Chart::svg() const {
  return fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}{}</svg>\n",
      width, height, escaped(description_), frame_, inside_);
}

}  // namespace molrt::report
