// molrt predict: a model's head on every molecule of a table.
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/labels.h"
#include "cli/scores.h"
#include "cli/windows.h"

namespace molrt::cli {
namespace {

constexpr const char* formats = "csv tsv npy";

std::vector<std::string> target_names(const molrt_model* model) {
  std::vector<std::string> names;
  for (int32_t i = 0; i < model_info(model).outputs; ++i) {
    names.emplace_back(molrt_model_target_name(model, i));
  }
  return names;
}

std::vector<std::string> added_columns(const std::vector<std::string>& targets,
                                       const Labels& labels) {
  std::vector<std::string> names;
  for (size_t i = 0; i < targets.size(); ++i) {
    names.push_back(targets[i] + "_pred");
    names.push_back(targets[i] + "_std");
    labels.add_column(i, names);
  }
  names.insert(names.end(), {"status", "flags"});
  return names;
}

class Prediction {
 public:
  explicit Prediction(const ModelRunOptions& options)
      : options_(options),
        format_(output_format(options.output, formats)),
        table_(options.input),
        output_(options.output.path),
        progress_(options.report),
        context_(make_context(options.run.threads, progress_)),
        model_(open_model(context_.get(), options.model, options.open)),
        targets_(target_names(model_.get())),
        labels_(model_.get()),
        scores_(model_info(model_.get()).task == MOLRT_TASK_REGRESSION
                    ? find_measured(table_, targets_)
                    : std::vector<TargetScore>{}) {
    if (targets_.empty()) {
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "{}: has no property head to predict with; train one with molrt finetune, or take molrt "
           "embed for representations",
           options.model);
    }
  }

  void run() {
    if (format_ == "npy") {
      run_with(ResultMatrix(output_, targets_.size()));
    } else {
      run_with(ResultTable(output_, format_, table_.header(), added_columns(targets_, labels_)));
    }
    output_.commit();
    report();
  }

 private:
  void run_with(auto results) {
    warn_without_header(context_.get(), table_, progress_);
    const auto batch = make_batch(context_.get(), options_.conformers);
    for_each_window(table_, batch.get(), progress_, tally_, [&](Window& window) {
      predict(window);
      for (size_t row = 0; row < window.records.size(); ++row) {
        score(window.records[row], row);
        write(results, window, row);
      }
    });
    results.finish();
  }

  void predict(const Window& window) {
    const size_t count = window.records.size() * targets_.size();
    mean_.resize(count);
    std_.resize(count);
    const auto run = run_options(options_.run, progress_);
    check(molrt_predict(context_.get(), model_.get(), window.batch, &run, mean_.data(), std_.data(),
                        count));
  }

  void score(const CsvRecord& record, size_t row) {
    for (auto& [target, output, column, score] : scores_) {
      const auto measured = parse_number(record.fields[column]);
      if (measured) score.add(*measured, mean_[row * targets_.size() + output]);
    }
  }

  void write(ResultMatrix& results, Window&, size_t row) {
    results.add(mean_.data() + row * targets_.size());
  }

  void write(ResultTable& results, Window& window, size_t row) {
    const auto info = get_row(window.batch, row);
    std::vector<std::string> added;
    const float* mean = mean_.data() + row * targets_.size();
    const float* std = std_.data() + row * targets_.size();
    for (size_t i = 0; i < targets_.size(); ++i) {
      added.push_back(number_text(mean[i]));
      added.push_back(number_text(std[i]));
      labels_.add_value(i, mean, added);
    }
    added.insert(added.end(), {row_status(info), row_flags(info)});
    results.add(window.records[row].fields, added);
  }

  void report() {
    tally_.print(progress_, "predicted");
    print_scores(scores_, progress_);
    if (!options_.report.json) return;
    auto json = tally_.json();
    json["seconds"] = progress_.seconds();
    json["metrics"] = scores_json(scores_);
    print_json(json, output_.is_stdout());
  }

  const ModelRunOptions& options_;
  std::string format_;
  InputTable table_;
  Output output_;
  Progress progress_;
  Context context_;
  Model model_;
  std::vector<std::string> targets_;
  Labels labels_;
  std::vector<TargetScore> scores_;
  std::vector<float> mean_, std_;  // [rows of the window, targets]
  Tally tally_;
};

}  // namespace

Command predict_command(CLI::App& app) {
  auto* command = app.add_subcommand("predict", "Predict properties of the molecules in a table");
  auto options = std::make_shared<ModelRunOptions>();
  command
      ->add_option("-m,--model", options->model,
                   "Model with a head, as molrt finetune makes it, or a "
                   "directory saved by unimol_tools")
      ->required()
      ->type_name("FILE");
  add_model_run_options(*command, *options, formats);
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
      "npy: float32 [rows, targets], NaN for rows that failed.\n"
      "In a table of one column a blank line between two molecules is a row with an empty SMILES;\n"
      "elsewhere blank lines are skipped.");
  return {command, [options] { Prediction(*options).run(); }};
}

}  // namespace molrt::cli
