#pragma once
// Axes: from values to pixels, and the round numbers that are written beside them.
#include <string>
#include <vector>

namespace molrt::report {

// 1, 2 or 5 times a power of ten: the smallest that divides `range` into no more than `parts`. 1
// for a range that is not positive and finite.
double round_step(double range, int parts);

struct Scale {
  double low, high;  // values; low < high
  double from, to;   // pixels
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

// The values' range with a small margin on both sides, but none below 0; a single value gets one
// around it.
Scale scale_over(double low, double high, double from, double to);

// Multiples of a round step within the scale, about `count`.
std::vector<double> ticks(const Scale& scale, int count);

// Four significant digits, without trailing zeros; "undefined" for NaN. A true minus sign.
std::string number_text(double value);
std::string short_text(double value);   // the same with three, for sentences
std::string count_text(size_t count);   // 12,345
std::string percent_text(double part);  // "87 %", one decimal below 10 and above 90

}  // namespace molrt::report
