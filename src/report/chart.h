#pragma once
// One picture: a frame with two axes, and what is drawn within it, as an <svg> element whose
// colours are the page's (style.h).
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/scale.h"
#include "report/statistics.h"

namespace molrt::report {

struct Range {
  double low, high;
};
Range range_of(std::span<const double> values);  // {0, 1} without any

class Chart {
 public:
  // Names of the axes, and the values to show, which get a margin. `description` is for those who
  // cannot see it.
  Chart(std::string_view description, std::string_view x_name, std::string_view y_name, Range x,
        Range y);
  // The same with the values from edge to edge.
  static Chart exact(std::string_view description, std::string_view x_name, std::string_view y_name,
                     Range x, Range y);

  void line(std::span<const Point> points, std::string_view style, std::string_view tip = "");
  // One dot a point; tips, if any, is as long as points.
  void dots(std::span<const Point> points, std::span<const std::string> tips);
  void marks(std::span<const Point> points, std::span<const std::string> tips);
  void bar(double x_low, double x_high, double y, std::string_view tip);
  // A key: a short line in each style with its name, at the top of the frame.
  void key(const std::vector<std::pair<std::string, std::string>>& styles_and_names);

  std::string svg() const;

 private:
  Chart(std::string_view description, std::string_view x_name, std::string_view y_name, Scale x,
        Scale y);
  void draw_axes(std::string_view x_name, std::string_view y_name);
  void draw_points(std::span<const Point> points, std::span<const std::string> tips,
                   std::string_view style, double radius);
  std::string place(const Point& point) const;

  std::string description_, inside_, frame_;
  Scale x_, y_;
};

}  // namespace molrt::report
