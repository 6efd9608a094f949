#include "report/probe_page.h"

#include <fmt/format.h>

#include <cmath>

#include "molrt.h"
#include "report/chart.h"
#include "report/html.h"
#include "report/metric_names.h"
#include "report/scale.h"

namespace molrt {
namespace {

using namespace report;

constexpr size_t most_pictures = 400;  // more are read in the tables

const char* meaning(ProbeAttribution attribution, Task task) {
  if (attribution == ProbeAttribution::gold)
    return is_classification(task) ? "gold: what speaks for the measured class"
                                   : "gold: what brings the prediction to the measured value";
  return is_classification(task) ? "abs: what speaks for the predicted class"
                                 : "abs: what changes the prediction most";
}

// One target's pictures and numbers.
class TargetSection {
 public:
  TargetSection(const ProbeResult& result, size_t target)
      : result_(result), orders_(probe_orders(result.options)), target_(target) {}

  std::string markup(bool with_pictures) const {
    std::string all = heading(2, name()) + plain();
    for (size_t layer = 0; layer < result_.options.layers.size(); ++layer) {
      all += heading(3, fmt::format("Layer {}", result_.options.layers[layer]));
      if (with_pictures) all += pictures(layer);
      all += details("Numbers", numbers(layer, 0) + numbers(layer, 1));
    }
    return all;
  }

 private:
  std::string name() const {
    const std::string &name = result_.targets[target_], &unit = result_.units[target_];
    return unit.empty() ? name : fmt::format("{} ({})", name, unit);
  }
  std::string label(size_t metric) const {
    return metric_label(metric_name(result_.metrics[metric]));
  }

  std::string plain() const {
    return paragraph(fmt::format(
        "{} values. With all keys: {} {}, {} {}.", count_text(result_.labels[target_]), label(0),
        number_text(result_.plain[target_][0]), label(1), number_text(result_.plain[target_][1])));
  }

  std::string pictures(size_t layer) const {
    std::vector<std::string> all;
    for (size_t a = 0; a < result_.options.attributions.size(); ++a)
      for (size_t metric = 0; metric < 2; ++metric) {
        const ProbeAttribution own = result_.options.attributions[a];
        all.push_back(figure(fmt::format("{} by {}", label(metric), attribution_name(own)),
                             picture(layer, 1 + 2 * a, metric), meaning(own, result_.task)));
      }
    return figures(all);
  }

  // Of the orders low and low + 1, and the random one; every line begins with all keys.
  std::string picture(size_t layer, size_t low, size_t metric) const {
    const std::pair<const char*, size_t> lines[] = {{"blue", low}, {"red", low + 1}, {"green", 0}};
    std::vector<double> y;
    for (const auto& [style, order] : lines)
      for (const Point& point : curve(layer, order, metric)) y.push_back(point.y);
    if (y.empty()) return "";
    Chart chart(fmt::format("{} by the part of the keys that is dropped", label(metric)),
                "part of the keys dropped", label(metric), {0, result_.options.rates.back()},
                range_of(y));
    for (const auto& [style, order] : lines)
      chart.line(curve(layer, order, metric), style, order_name(order));
    chart.key({{"blue", "low first"}, {"red", "high first"}, {"green", "random"}});
    return chart.svg();
  }

  std::vector<Point> curve(size_t layer, size_t order, size_t metric) const {
    std::vector<Point> points = {{0, result_.plain[target_][metric]}};
    for (size_t rate = 0; rate < result_.options.rates.size(); ++rate)
      points.push_back(
          {result_.options.rates[rate], result_.at(layer, order, rate, target_)[metric]});
    std::erase_if(points, [](const Point& point) { return !std::isfinite(point.y); });
    return points;
  }

  std::string order_name(size_t order) const {
    const ProbeOrder& own = orders_[order];
    if (!own.attribution) return "random";
    return fmt::format("{}, {} first", attribution_name(*own.attribution),
                       own.order == KeyOrder::low ? "low" : "high");
  }

  std::string numbers(size_t layer, size_t metric) const {
    Cells head = {label(metric)};
    for (const double rate : result_.options.rates) head.push_back(number_text(rate));
    std::vector<Cells> rows;
    for (size_t order = 0; order < orders_.size(); ++order) {
      rows.push_back({order_name(order)});
      for (size_t rate = 0; rate < result_.options.rates.size(); ++rate)
        rows.back().push_back(number_text(result_.at(layer, order, rate, target_)[metric]));
    }
    return table(head, rows);
  }

  const ProbeResult& result_;
  std::vector<ProbeOrder> orders_;
  size_t target_;
};

std::string heading_of(const ProbeResult& result, const std::string& title) {
  if (!title.empty()) return title;
  std::string names;
  for (const std::string& name : result.targets) names += (names.empty() ? "" : ", ") + name;
  return "Attention probe of " + names;
}

std::string introduction() {
  return paragraph(
             "How good are the predictions when, in one layer of the network, each atom looks at "
             "fewer of the others? Keys of the attention are dropped, more and more of them: those "
             "of low attribution first, those of high attribution first, or others at random.") +
         note(
             "The attribution is the gradient by the attention. Gold reads the measured values: "
             "that low-first improves on the plain prediction there says what the network could "
             "attend to, not how well it will do. Where high-first does no more harm than random, "
             "the layer hardly matters, or the attribution does not know what does.");
}

std::string what_was_done(const ProbeResult& r) {
  return heading(2, "What was done") +
         facts({{"Rows", fmt::format("{} of {} used; {} without a value, {} failed",
                                     count_text(r.used), count_text(r.rows),
                                     count_text(r.without_target), count_text(r.failed))},
                {"Networks", fmt::format("{}, each by its own attribution", r.networks)},
                {"Cost", fmt::format("{} passes of each conformer", short_text(r.passes))},
                {"Seed of the random order", fmt::format("{}", r.options.seed)},
                {"Version", fmt::format("molrt {}", molrt_version_text())}});
}

}  // namespace

std::string probe_page(const ProbeResult& result, const std::string& title) {
  const std::string name = heading_of(result, title);
  const size_t pictures = 2 * result.options.layers.size() * result.options.attributions.size();
  std::string body = heading(1, name) + introduction();
  for (size_t target = 0; target < result.targets.size(); ++target)
    body += TargetSection(result, target).markup((target + 1) * pictures <= most_pictures);
  return page(name, body + what_was_done(result));
}

}  // namespace molrt
