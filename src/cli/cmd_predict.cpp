// molrt predict: the heads of one or more models on every molecule of a table.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/conformer_cache.h"
#include "cli/panel.h"
#include "cli/results.h"
#include "cli/windows.h"

namespace molrt::cli {
namespace {

constexpr const char* formats = "csv tsv npy";

struct PredictOptions : ModelRunOptions {
  std::vector<std::string> models;
  UncertainOptions uncertain;
};

class Prediction {
 public:
  explicit Prediction(const PredictOptions& options)
      : options_(options),
        format_(output_format(options.output, formats)),
        progress_(options.report),
        table_(options.input),
        output_(options.output, format_, progress_),
        context_(make_context(options.run.threads, options.conformers, progress_)) {
    const auto names = panel_names(options.models);
    for (size_t i = 0; i < names.size(); ++i) {
      panel_.emplace_back(context_.get(), options.models[i], names[i], options.open,
                          options.uncertain, table_);
    }
  }

  void run() {
    check_level();
    if (format_ == "npy") {
      run_with(ResultMatrix(output_, outputs(), table_.rows()));
    } else {
      run_with(ResultTable(output_, format_, options_.input.decimal_comma, table_.header(),
                           added_columns()));
    }
    output_.commit();
    report();
  }

 private:
  void check_level() const {
    const bool given = options_.output.command->get_option("--level")->count() > 0;
    const bool shown = std::any_of(panel_.begin(), panel_.end(),
                                   [](const auto& model) { return model.has_intervals(); });
    if (given && !shown)
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "--level has no effect: no model has intervals, which molrt finetune learns from rows "
           "that it holds out (--mc-calibrate)");
  }

  size_t outputs() const {
    size_t count = 0;
    for (const auto& model : panel_) count += model.outputs();
    return count;
  }

  std::vector<std::string> added_columns() const {
    auto names = molecule_columns(table_);
    for (const auto& model : panel_) {
      const auto own = model.columns();
      names.insert(names.end(), own.begin(), own.end());
    }
    return names;
  }

  void run_with(auto results) {
    warn_without_header(context_.get(), table_, progress_);
    const auto batch = make_batch(context_.get(), options_.conformers);
    output_.restore("command", [&](const Json& models) { restore(models); });
    const auto work = [&](Window& window) {
      const auto run = run_options(options_.run, progress_);
      for (auto& model : panel_) model.predict(context_.get(), run, window, table_);
      for (size_t row = 0; row < window.records.size(); ++row) write(results, window, row);
    };
    for_each_window({table_, batch.get(), output_, progress_, tally_, work,
                     [&] { results.flush(); }, [&] { return state(); }});
    results.finish();
  }

  Json state() const {
    auto models = Json::array();
    for (const auto& model : panel_) models.push_back(model.state());
    return models;
  }

  void restore(const Json& models) {
    for (size_t i = 0; i < panel_.size(); ++i) panel_[i].restore(models.at(i));
  }

  void write(ResultMatrix& results, Window&, size_t row) {
    std::vector<float> values;
    for (const auto& model : panel_) {
      values.insert(values.end(), model.mean(row), model.mean(row) + model.outputs());
    }
    results.add(values.data());
  }

  void write(ResultTable& results, Window& window, size_t row) {
    auto added = molecule_cells(table_, window, row);
    for (const auto& model : panel_) {
      const auto own = model.cells(results, row);
      added.insert(added.end(), own.begin(), own.end());
    }
    results.add(window.records[row].fields, added);
  }

  void report() {
    for (auto& model : panel_) {
      model.set_counts(table_.counts());
      model.print(progress_);
    }
    say_conformers(context_.get(), progress_);
    if (options_.report.json) print_json(json(), output_.is_stdout());
  }

  nlohmann::ordered_json json() const {
    auto json = panel_.front().json();
    if (panel_.size() > 1) {
      json = nlohmann::ordered_json::object();
      for (const auto& model : panel_) json["models"][model.name()] = model.json();
    }
    add_conformers(context_.get(), json);
    json["seconds"] = progress_.seconds();
    return json;
  }

  const PredictOptions& options_;
  std::string format_;
  Progress progress_;
  InputTable table_;
  Output output_;
  Context context_;
  std::deque<PanelModel> panel_;
  Tally tally_;  // of the last model
};

}  // namespace

Command predict_command(CLI::App& app) {
  auto* command = app.add_subcommand("predict", "Predict properties of the molecules in a table");
  auto options = std::make_shared<PredictOptions>();
  command
      ->add_option(
          "-m,--model", options->models,
          "Model with a head, as molrt finetune makes it, or a directory saved by unimol_tools; "
          "several, each after a --model of its own, share the conformers")
      ->allow_extra_args(false)
      ->required()
      ->transform(model_path)
      ->type_name("FILE");
  add_model_run_options(*command, *options, formats);
  add_uncertain_options(*command, options->uncertain);
  command->footer(
      "Every input row comes out, in order, with its own columns, then TARGET_pred and TARGET_std "
      "for\n"
      "each target (the folds' mean and standard deviation, empty where there is none), status "
      "(where\n"
      "the coordinates came from, or why the row failed) and flags. A name already taken gets _2.\n"
      "Of a classification model they are probabilities, with the class in TARGET_label: 1 above "
      "the\n"
      "model's threshold (else .5); of several classes, each its own TARGET_i, the most probable "
      "i.\n"
      "A model whose error bars were calibrated in training adds TARGET_error (one standard "
      "deviation)\n"
      "and TARGET_low, TARGET_high (the interval that should hold --level of new values).\n"
      "Of several models each has its columns, with the file's stem in front: STEM_TARGET,\n"
      "STEM_TARGET_std, STEM_status, STEM_flags.\n"
      "npy: float32 [rows, targets of all models], NaN for rows that failed.\n"
      "In a table of one column a blank line between two molecules is a row with an empty SMILES;\n"
      "elsewhere blank lines are skipped.");
  return {command, [options] { Prediction(*options).run(); }};
}

}  // namespace molrt::cli
