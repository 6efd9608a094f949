#include "report/scale.h"

#include <fmt/format.h>

#include <cmath>

namespace molrt::report {

double round_step(double range, int parts) {
  if (!(range > 0) || !std::isfinite(range)) return 1;
  const double least = range / parts;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least) return factor * power;
  return 10 * power;
}

Scale scale_over(double low, double high, double from, double to) {
  const double spread = high - low;
  const double margin = spread > 0 ? .04 * spread : std::max(1e-6, .1 * std::abs(low));
  return {low == 0 ? 0 : low - margin, high + margin, from, to};
}

std::vector<double> ticks(const Scale& scale, int count) {
  const double step = round_step(scale.high - scale.low, count);
  const double first = std::ceil(scale.low / step);
  std::vector<double> values;
  // Counted, as first + 1 may be first where the values are large beside their range.
  for (int i = 0; i <= count + 1 && (first + i) * step <= scale.high; ++i)
    values.push_back((first + i) * step + 0.0);  // + 0: no "-0"
  return values;
}

namespace {

std::string with_digits(double value, int digits) {
  if (std::isnan(value)) return "undefined";
  std::string text = fmt::format("{:.{}g}", value == 0 ? 0.0 : value, digits);
  if (text.front() == '-') text.replace(0, 1, "\u2212");
  return text;
}

}  // namespace

std::string number_text(double value) { return with_digits(value, 4); }

std::string short_text(double value) { return with_digits(value, 3); }

std::string count_text(size_t count) {
  std::string text = std::to_string(count);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string percent_text(double part) {
  if (std::isnan(part)) return "undefined";
  const double percent = 100 * part;
  const bool fine = (percent < 10 || percent > 90) && percent != 0 && percent != 100;
  return fine ? fmt::format("{:.1f} %", percent) : fmt::format("{:.0f} %", percent);
}

}  // namespace molrt::report
