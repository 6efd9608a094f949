#include "train/learn_errors.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "train/calibration.h"
#include "train/evaluation.h"
#include "train/mc_settings.h"

namespace molrt {
namespace {

using Json = nlohmann::ordered_json;

constexpr double levels[] = {.5, .8, .9, .95};

// Of one row and output, over the members that did not see the row.
struct RowMoments {
  size_t row;
  double measured;
  double final = NAN;  // the model's value without dropout; NaN: the members' mean
  size_t members = 0;
  double sum[2] = {}, squares[2] = {};  // of the members' predictions, without and with dropout
  double within = 0;                    // sum of their variances over passes

  void add(double deterministic, double mc, double variance) {
    const double values[] = {deterministic, mc};
    for (int m = 0; m < 2; ++m) {
      const double before = members > 0 ? sum[m] / static_cast<double>(members) : 0;
      sum[m] += values[m];
      const double after = sum[m] / static_cast<double>(members + 1);
      squares[m] += (values[m] - before) * (values[m] - after);
    }
    within += variance;
    ++members;
  }
  double mean(int mode) const {
    return mode == 0 && !std::isnan(final) ? final : sum[mode] / static_cast<double>(members);
  }
  double error(int mode) const { return measured - mean(mode); }
  double spread_squared(int mode, bool between) const {
    const auto n = static_cast<double>(members);
    return (mode == 1 ? within / n : 0) + (between && members > 1 ? squares[mode] / (n - 1) : 0);
  }
};

using Rows = std::vector<RowMoments>;  // ascending

// NaN where one side is constant.
double spearman(const std::vector<double>& x, const std::vector<double>& y) {
  return evaluate_metric(Metric::spearman, {x, y, 1});
}

double root_mean_square(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

// What the column of the values says of an output: of several classes, whether it is that one.
double measured_value(const HeadTrainingData& data, Task task, size_t row, size_t output) {
  const auto targets = static_cast<size_t>(data.targets);
  if (task != Task::multiclass) return data.values[row * targets + output];
  const double label = data.values[row * targets];
  return std::isnan(label) ? NAN : label == static_cast<double>(output);
}

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(); }

class Learning {
 public:
  Learning(const HeadTrainingData& data, const TaskPlan& plan, const Settings& settings,
           const DropoutRates& rates, std::span<const HeldOutMember> members,
           std::span<const float> predictions)
      : data_(data),
        plan_(plan),
        task_(plan.task),
        settings_(read_mc_settings(settings)),
        outputs_(plan.outputs.size()),
        rates_(rates),
        predictions_(predictions) {
    sampled_ = std::all_of(members.begin(), members.end(), [](const HeldOutMember& m) {
      return m.rows.empty() || !m.mc.mean.empty();
    });
    for (size_t t = 0; t < outputs_; ++t) rows_.push_back(rows_of(members, t));
    labelled_ = std::any_of(rows_.begin(), rows_.end(), [](const Rows& r) { return !r.empty(); });
    between_ =
        labelled_ && std::all_of(rows_.begin(), rows_.end(), [](const Rows& rows) {
          return std::all_of(rows.begin(), rows.end(), [](const auto& r) { return r.members > 1; });
        });
    decide();
  }

  LearntErrors run() {
    LearntErrors result;
    result.uncertainty = uncertainty();
    for (auto* array : {&result.error, &result.low, &result.high})
      array->assign(data_.rows * outputs_, NAN);
    if (task_ == Task::regression && settings_.kind != Calibrated::none)
      for (size_t t = 0; t < outputs_; ++t) fill(t, result);
    // Names come from files and may not be UTF-8.
    if (labelled_) result.report = report().dump(-1, ' ', false, Json::error_handler_t::replace);
    return result;
  }

 private:
  Rows rows_of(std::span<const HeldOutMember> members, size_t output) const {
    std::map<size_t, RowMoments> rows;
    for (const HeldOutMember& member : members)
      for (size_t i = 0; i < member.rows.size(); ++i) {
        const size_t row = member.rows[i], at = i * outputs_ + output;
        const double y = measured_value(data_, task_, row, output);
        if (std::isnan(y)) continue;
        const double det = member.deterministic[at];
        const bool mc = !member.mc.mean.empty();
        rows.try_emplace(row, RowMoments{row, y})
            .first->second.add(det, mc ? member.mc.mean[at] : det, mc ? member.mc.variance[at] : 0);
      }
    Rows list;
    for (auto& [row, moments] : rows) {
      if (!predictions_.empty()) moments.final = predictions_[row * outputs_ + output];
      list.push_back(moments);
    }
    return list;
  }

  bool has_mc() const { return rates_.any() && labelled_ && sampled_; }

  HeldOutErrors errors(const Rows& rows, int mode) const {
    HeldOutErrors errors;
    std::map<std::string, size_t> molecules;
    for (const RowMoments& r : rows) {
      if (!data_.molecules.empty())
        errors.molecules.push_back(
            molecules.try_emplace(data_.molecules[r.row], molecules.size()).first->second);
      errors.errors.push_back(r.error(mode));
      errors.spreads_squared.push_back(r.spread_squared(mode, between_));
    }
    return errors;
  }

  // Each row's squared errors over the outputs, in units of the outputs' spread.
  std::vector<double> squared_errors(int mode) const {
    std::map<size_t, double> sums;
    for (const Rows& rows : rows_) {
      const double scale = spread_of_measured(rows);
      for (const RowMoments& r : rows) sums[r.row] += std::pow(r.error(mode) / scale, 2);
    }
    std::vector<double> list;
    for (const auto& [row, sum] : sums) list.push_back(sum);
    return list;
  }

  static double spread_of_measured(const Rows& rows) {
    double mean = 0, squares = 0, n = 0;
    for (const RowMoments& r : rows) {
      const double distance = r.measured - mean;
      mean += distance / ++n;
      squares += distance * (r.measured - mean);
    }
    return squares > 0 ? std::sqrt(squares / n) : 1;
  }

  void decide() {
    if (has_mc()) {
      const auto det = squared_errors(0), mc = squared_errors(1);
      const auto mean = [](const std::vector<double>& v) {
        return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
      };
      gain_ = std::sqrt(mean(det)) - std::sqrt(mean(mc));
      lower_bound_ = gain_lower_bound(det, mc, settings_.seed);
    }
    const bool mc = settings_.mode == ModeChoice::mc ||
                    (settings_.mode == ModeChoice::by_held_out_rows && lower_bound_ > 0);
    mode_ = mc && rates_.any() ? PredictMode::mc : PredictMode::deterministic;
  }

  Uncertainty uncertainty() const {
    Uncertainty u;
    u.noise = rates_;
    u.samples = settings_.samples;
    u.mode = mode_;
    if (task_ != Task::regression || !labelled_ || settings_.kind == Calibrated::none) return u;
    u.kind = settings_.kind;
    u.between = between_;
    for (const Rows& rows : rows_) {
      u.deterministic.push_back(calibrate(errors(rows, 0), settings_.kind));
      if (has_mc()) u.mc.push_back(calibrate(errors(rows, 1), settings_.kind));
    }
    return u;
  }

  void fill(size_t target, LearntErrors& result) const {
    const Rows& rows = rows_[target];
    if (rows.size() < few_values) return;
    const int mode = mode_ == PredictMode::mc ? 1 : 0;
    const CrossFit fit = cross_fit(errors(rows, mode), settings_.kind);
    const auto reach = fit.reach(held_out_level);
    for (size_t i = 0; i < rows.size(); ++i) {
      const size_t at = rows[i].row * outputs_ + target;
      const double half = reach[i] * fit.sigmas[i];
      result.error[at] = static_cast<float>(fit.sigmas[i]);
      if (std::isinf(half)) continue;
      result.low[at] = static_cast<float>(rows[i].mean(mode) - half);
      result.high[at] = static_cast<float>(rows[i].mean(mode) + half);
    }
  }

  Json report() const {
    Json json = {{"predict", mode_name(mode_)}, {"samples", settings_.samples}};
    if (has_mc()) json["gain_of_mc"] = {{"rmse", gain_}, {"lower_bound_95", lower_bound_}};
    json["calibration"] = task_ == Task::regression ? calibrated_name(settings_.kind) : "none";
    json["between_members"] = between_;
    json["targets"] = Json::array();
    for (size_t t = 0; t < outputs_; ++t) json["targets"].push_back(target_json(t));
    return json;
  }

  Json target_json(size_t target) const {
    const Rows& rows = rows_[target];
    Json json = {{"name", plan_.outputs[target]}, {"n", rows.size()}};
    if (rows.empty()) return json;
    json["det"] = mode_json(rows, 0);
    if (!has_mc()) return json;
    std::vector<double> gaps;
    for (const RowMoments& r : rows) gaps.push_back(r.mean(1) - r.mean(0));
    json["mc"] = mode_json(rows, 1);
    json["gap"] = {
        {"mean", std::accumulate(gaps.begin(), gaps.end(), 0.0) / static_cast<double>(gaps.size())},
        {"rms", root_mean_square(gaps)}};
    return json;
  }

  Json mode_json(const Rows& rows, int mode) const {
    const HeldOutErrors held_out = errors(rows, mode);
    Json json = {{"rmse", root_mean_square(held_out.errors)}};
    if (task_ != Task::regression) return json;
    std::vector<double> sizes, raw;
    for (size_t i = 0; i < rows.size(); ++i) {
      sizes.push_back(std::abs(held_out.errors[i]));
      raw.push_back(std::sqrt(held_out.spreads_squared[i]));
    }
    json["spread"] = root_mean_square(raw);
    json["raw"] = {{"nll", finite(gaussian_nll(held_out.errors, raw))},
                   {"spearman", finite(spearman(sizes, raw))},
                   {"coverage", coverage(sizes, raw, [](double level) {
                      return std::vector<double>{Calibration{}.reach(level)};
                    })}};
    if (settings_.kind == Calibrated::none || rows.size() < 2) return json;
    const Calibration all = calibrate(held_out, settings_.kind);
    json["a"] = all.a;
    json["b"] = all.b;
    if (rows.size() < few_values) return json;
    const CrossFit fit = cross_fit(held_out, settings_.kind);
    json["calibrated"] = {
        {"nll", finite(gaussian_nll(held_out.errors, fit.sigmas))},
        {"spearman", finite(spearman(sizes, fit.sigmas))},
        {"coverage", coverage(sizes, fit.sigmas, [&](double level) { return fit.reach(level); })}};
    return json;
  }

  // reach(level): one for all rows, or one for each.
  template <typename Reach>
  static Json coverage(std::span<const double> sizes, std::span<const double> sigmas,
                       const Reach& reach) {
    Json list = Json::array();
    for (const double level : levels) {
      const std::vector<double> reaches = reach(level);
      double inside = 0, half_widths = 0;
      for (size_t i = 0; i < sizes.size(); ++i) {
        const double half = reaches[i % reaches.size()] * sigmas[i];
        inside += sizes[i] <= half;
        half_widths += half;
      }
      const auto n = static_cast<double>(sizes.size());
      list.push_back(
          {{"level", level}, {"seen", inside / n}, {"half_width", finite(half_widths / n)}});
    }
    return list;
  }

  const HeadTrainingData& data_;
  const TaskPlan& plan_;
  Task task_;
  McSettings settings_;
  size_t outputs_;
  DropoutRates rates_;
  std::span<const float> predictions_;
  std::vector<Rows> rows_;  // [outputs]
  bool sampled_ = false, labelled_ = false, between_ = false;
  PredictMode mode_ = PredictMode::deterministic;
  double gain_ = 0, lower_bound_ = 0;
};

HeldOutMoments moments_of_passes(const Fold& fold, int samples,
                                 const std::function<std::vector<float>(uint32_t)>& predict) {
  const size_t count = fold.split.held_out.size() * fold.outputs();
  std::vector<double> mean(count), squares(count);
  for (int t = 0; t < samples; ++t) {
    const std::vector<float> values =
        finish_rows(fold, fold.split.held_out, predict(static_cast<uint32_t>(t)));
    for (size_t i = 0; i < count; ++i) {
      const double distance = values[i] - mean[i];
      mean[i] += distance / (t + 1);
      squares[i] += distance * (values[i] - mean[i]);
    }
  }
  HeldOutMoments moments;
  for (size_t i = 0; i < count; ++i) {
    moments.mean.push_back(static_cast<float>(mean[i]));
    moments.variance.push_back(static_cast<float>(squares[i] / (samples - 1)));
  }
  return moments;
}

}  // namespace

void sample_held_out(const Fold& fold, int passes, const LoopCallbacks& callbacks, FoldFit& fit,
                     const std::function<std::vector<float>(uint32_t)>& predict) {
  if (passes == 0 || fold.split.held_out.empty() || fit.loop.interrupted) return;
  try {
    fit.mc = moments_of_passes(fold, passes, [&](uint32_t sample) {
      callbacks.check_cancelled();
      auto outputs = predict(sample);
      callbacks.after_pass(static_cast<int>(sample) + 1);
      return outputs;
    });
  } catch (const Error& error) {
    if (error.status() != MOLRT_ERROR_CANCELLED) throw;
    fit.loop.interrupted = true;
  }
}

LearntErrors learn_errors(const HeadTrainingData& data, const TaskPlan& plan,
                          const Settings& settings, const DropoutRates& rates,
                          std::span<const HeldOutMember> members,
                          std::span<const float> predictions) {
  return Learning(data, plan, settings, rates, members, predictions).run();
}

void add_errors(const std::vector<Fold>& members, std::span<const FoldFit* const> fits,
                const Settings& settings, const DropoutRates& rates, HeadTrainingResult& result) {
  std::vector<HeldOutMember> held_out;
  for (size_t i = 0; i < members.size(); ++i)
    if (!members[i].split.held_out.empty())
      held_out.push_back({members[i].split.held_out,
                          finish_rows(members[i], members[i].split.held_out, fits[i]->outputs),
                          fits[i]->mc});
  const Fold& first = members.front();
  LearntErrors errors =
      learn_errors(first.data, first.plan, settings, rates, held_out, result.held_out);
  result.uncertainty = std::move(errors.uncertainty);
  result.error = std::move(errors.error);
  result.low = std::move(errors.low);
  result.high = std::move(errors.high);
  result.errors_report = std::move(errors.report);
}

}  // namespace molrt
