#include "cli/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace molrt::cli {

void Score::add(double measured, double predicted) {
  if (std::isnan(measured) || std::isnan(predicted)) return;
  const double error = predicted - measured;
  squares_ += error * error;
  absolutes_ += std::abs(error);
  // Welford's update: no cancellation where the spread is small beside the mean.
  const double distance = measured - mean_;
  mean_ += distance / static_cast<double>(++count_);
  spread_ += distance * (measured - mean_);
}

Json Score::state() const { return {count_, squares_, absolutes_, mean_, spread_}; }

void Score::restore(const Json& state) {
  const auto number = [&](size_t i) {  // JSON has no infinity: null
    return state.at(i).is_null() ? std::numeric_limits<double>::infinity()
                                 : state.at(i).get<double>();
  };
  state.at(0).get_to(count_);
  squares_ = number(1);
  absolutes_ = number(2);
  mean_ = number(3);
  spread_ = number(4);
}

double Score::rmse() const { return std::sqrt(squares_ / static_cast<double>(count_)); }

double Score::mae() const { return absolutes_ / static_cast<double>(count_); }

double Score::r2() const {
  return spread_ > 0 ? 1 - squares_ / spread_ : std::numeric_limits<double>::quiet_NaN();
}

double Score::mean_rmse() const { return std::sqrt(spread_ / static_cast<double>(count_)); }

std::vector<TargetScore> find_measured(const InputTable& table,
                                       const std::vector<std::string>& targets) {
  std::vector<TargetScore> scores;
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto columns = table.columns_named(targets[i]);
    if (columns.size() == 1) scores.push_back({targets[i], i, columns[0], {}});
  }
  return scores;
}

std::string metric_text(double value) {
  return std::isnan(value) ? "undefined" : fmt::format("{:.4g}", value);
}

void print_scores(const std::vector<TargetScore>& scores, Progress& progress) {
  for (const auto& [target, output, column, score] : scores) {
    if (score.count() == 0) continue;
    progress.say(fmt::format(
        "  '{}' against the {} values in the input: RMSE {:.4g}, MAE {:.4g}, R2 {} (predicting "
        "their mean: RMSE {:.4g}, R2 {})",
        target, score.count(), score.rmse(), score.mae(), metric_text(score.r2()),
        score.mean_rmse(), std::isnan(score.r2()) ? "undefined" : "0"));
  }
  if (std::any_of(scores.begin(), scores.end(), [](auto& s) { return s.score.count() > 0; })) {
    progress.say("  (if these rows were in the training table, this flatters the model)");
  }
}

nlohmann::ordered_json scores_json(const std::vector<TargetScore>& scores) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& [target, output, column, score] : scores) {
    if (score.count() == 0) continue;
    json[target] = {{"n", score.count()},
                    {"rmse", score.rmse()},
                    {"mae", score.mae()},
                    {"r2", score.r2()},
                    {"mean_rmse", score.mean_rmse()}};
  }
  return json;
}

}  // namespace molrt::cli
