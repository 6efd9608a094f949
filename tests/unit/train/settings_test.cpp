#include "train/settings.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "train/head_settings.h"

namespace molrt {
namespace {

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), MOLRT_ERROR_INVALID_ARGUMENT);
    return error.what();
  }
  return "no error";
}

void expect_error(const std::function<void()>& action, const std::string& part) {
  EXPECT_NE(error_of(action).find(part), std::string::npos) << error_of(action);
}

TEST(SettingsTable, RowsAreWellFormed) {
  std::set<std::string> names;
  for (const SettingRow& row : settings_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_STRNE(row.help, "") << row.name;
    EXPECT_STRNE(row.since, "") << row.name;
    Settings settings;  // each default is itself allowed
    if (const auto* number = std::get_if<double>(&row.default_value)) {
      EXPECT_NO_THROW(settings.set_f64(row.name, *number));
    } else if (const auto* integer = std::get_if<int64_t>(&row.default_value)) {
      EXPECT_NO_THROW(settings.set_i64(row.name, *integer));
    } else {
      EXPECT_NO_THROW(settings.set_text(row.name, std::get<std::string>(row.default_value)));
    }
  }
}

TEST(Settings, RememberValuesAndKnowDefaults) {
  Settings settings;
  EXPECT_EQ(settings.f64("pooler_dropout"), 0);
  EXPECT_FALSE(settings.is_set("lr"));
  settings.set_i64("lr", 1);
  EXPECT_EQ(settings.f64("lr"), 1);
  EXPECT_TRUE(settings.is_set("lr"));
  settings.set_text("head", "pooled");
  EXPECT_EQ(settings.text("head"), "pooled");
  settings.set_i64("folds", 5);
  EXPECT_EQ(settings.i64("folds"), 5);
}

TEST(Settings, UnknownNamesOfferTheNearest) {
  Settings settings;
  expect_error([&] { settings.set_i64("epoch", 3); }, "'epochs'");
  expect_error([&] { settings.set_f64("pooler-dropout", .1); }, "'pooler_dropout'");
  expect_error([&] { settings.set_f64("learning", .1); }, "unknown setting 'learning'");
  expect_error([&] { settings.text("hed"); }, "'head'");
  expect_error([&] { settings.is_set("batchsize"); }, "'batch_size'");
}

TEST(Settings, TypesRangesAndChoicesAreChecked) {
  Settings settings;
  expect_error([&] { settings.set_f64("epochs", 3); }, "'epochs' is an integer");
  expect_error([&] { settings.set_text("lr", "x"); }, "'lr' is a number");
  expect_error([&] { settings.set_i64("head", 1); }, "'head' is a text");
  expect_error([&] { settings.f64("epochs"); }, "'epochs' is an integer");
  expect_error([&] { settings.set_f64("pooler_dropout", 1.5); }, "between 0 and 1, found 1.5");
  for (const char* name : {"pooler_dropout", "clip", "ridge_lambda"})
    for (const double value : {double{INFINITY}, -double{INFINITY}, std::nan("")})
      expect_error([&] { settings.set_f64(name, value); },
                   fmt::format("'{}' must be a finite number, found {}", name, value));
  expect_error([&] { settings.set_i64("folds", 0); }, "'folds' must be between 1");
  expect_error([&] { settings.set_text("head", "big"); }, "linear|pooled, found 'big'");
  expect_error([&] { settings.set_text("head", "linear|pooled"); }, "must be one of");
  expect_error([&] { settings.set_text("head", ""); }, "must be one of");
  EXPECT_FALSE(settings.is_set("head"));
}

TEST(Settings, WhatWouldHaveNoEffectIsRefused) {
  const auto refused = [](const std::function<void(Settings&)>& fill, const std::string& name) {
    Settings settings;
    fill(settings);
    expect_error([&] { settings.validate(); }, fmt::format("'{}' would have no effect", name));
  };
  using S = Settings&;
  refused([](S s) { s.set_text("solver", "ridge"), s.set_f64("lr", 1e-3); }, "lr");
  refused([](S s) { s.set_text("solver", "ridge"), s.set_i64("epochs", 3); }, "epochs");
  refused([](S s) { s.set_text("solver", "ridge"), s.set_text("head", "pooled"); }, "head");
  refused([](S s) { s.set_text("solver", "ridge"), s.set_text("loss", "mae"); }, "loss");
  refused([](S s) { s.set_text("solver", "ridge"), s.set_f64("pooler_dropout", .1); },
          "pooler_dropout");
  refused(
      [](S s) {
        s.set_text("solver", "ridge"), s.set_f64("valid_fraction", 0), s.set_i64("seed", 1);
      },
      "seed");
  refused([](S s) { s.set_f64("ridge_lambda", 1); }, "ridge_lambda");
  refused([](S s) { s.set_f64("huber_delta", 1); }, "huber_delta");
  refused([](S s) { s.set_i64("folds", 2), s.set_f64("valid_fraction", .2); }, "valid_fraction");
  refused([](S s) { s.set_f64("valid_fraction", 0), s.set_i64("patience", 3); }, "patience");
  refused([](S s) { s.set_f64("valid_fraction", 0), s.set_text("metric", "rmse"); }, "metric");
  refused([](S s) { s.set_text("solver", "ridge"), s.set_text("metric", "rmse"); }, "metric");
  refused([](S s) { s.set_text("class_weights", "balanced"); }, "class_weights");
  refused([](S s) { s.set_f64("focal.alpha", .5); }, "focal.alpha");
  refused([](S s) { s.set_text("task", "binary"), s.set_f64("focal.gamma", 1); }, "focal.gamma");
  refused([](S s) { s.set_text("task", "binary"), s.set_text("target_scaling", "power"); },
          "target_scaling");
  refused(
      [](S s) {
        s.set_text("task", "multiclass"), s.set_text("loss", "focal");
        s.set_f64("focal.alpha", .5);
      },
      "focal.alpha");
}

TEST(Settings, WhatDoesNotFitTogetherIsRefused) {
  const auto refused = [](const std::string& task, const std::string& name,
                          const std::string& value, const std::string& part) {
    Settings settings;
    settings.set_text("task", task);
    settings.set_text(name, value);
    expect_error([&] { settings.validate(); }, part);
  };
  refused("binary", "loss", "mse", "'loss': mse is for measured values; classes take bce or focal");
  refused("multiclass", "loss", "bce", "'loss': bce is for one yes or no a target");
  refused("multilabel", "loss", "ce", "'loss': ce is for task=multiclass");
  refused("regression", "loss", "focal", "'loss': focal is for classes");
  refused("regression", "metric", "auroc",
          "'metric': auroc is for classes; the task is regression");
  refused("binary", "metric", "rmse", "'metric': rmse is for measured values");
  refused("binary", "solver", "ridge", "'task': solver=ridge fits measured values");
  for (const char* weights : {"1", "1,", ",1", "1;2", "1,-2", "1,0", "1,nan", "1,inf", "even", ""})
    refused("multiclass", "class_weights", weights, "is neither none, balanced nor");
  refused("binary", "class_weights", "1,2,3", "task=binary takes two numbers");
}

TEST(Settings, EachTaskHasItsLossAndScaling) {
  const auto json_of = [](const char* task) {
    Settings settings;
    settings.set_text("task", task);
    EXPECT_NO_THROW(settings.validate());
    return nlohmann::json::parse(settings.to_json());
  };
  EXPECT_EQ(json_of("regression")["loss"], "mse");
  EXPECT_EQ(json_of("regression")["target_scaling"], "standard");
  EXPECT_EQ(json_of("binary")["loss"], "bce");
  EXPECT_EQ(json_of("binary")["target_scaling"], "none");
  EXPECT_EQ(json_of("multilabel")["loss"], "bce");
  EXPECT_EQ(json_of("multiclass")["loss"], "ce");
  EXPECT_FALSE(json_of("regression").contains("class_weights"));
}

TEST(Settings, ClassesArrive) {
  Settings s;
  s.set_text("task", "multiclass"), s.set_text("loss", "focal"), s.set_f64("focal.gamma", 3);
  s.set_text("class_weights", "1,2.5,3e1"), s.set_text("metric", "f1");
  EXPECT_NO_THROW(s.validate());
  const TaskSettings task = read_head_settings(s).task;
  EXPECT_EQ(task.task, Task::multiclass);
  EXPECT_EQ(task.loss.kind, LossKind::focal);
  EXPECT_EQ(task.loss.focal_gamma, 3);
  EXPECT_TRUE(task.loss.softmax);
  EXPECT_EQ(task.class_weights.given, (std::vector<double>{1, 2.5, 30}));
  EXPECT_EQ(task.metric, Metric::f1);
  s.set_text("class_weights", "balanced"), s.set_text("metric", "loss"), s.set_text("loss", "auto");
  EXPECT_TRUE(read_task_settings(s).class_weights.balanced);
  EXPECT_TRUE(read_task_settings(s).class_weights.given.empty());
  EXPECT_EQ(read_task_settings(s).metric, std::nullopt);
  EXPECT_EQ(read_task_settings(s).loss.kind, LossKind::ce);
}

TEST(Settings, WhatRunsIsAccepted) {
  Settings settings;
  EXPECT_NO_THROW(settings.validate());
  settings.set_f64("valid_fraction", 0);
  EXPECT_NO_THROW(settings.validate());
  settings.set_i64("patience", 0);
  settings.set_text("loss", "huber");
  settings.set_f64("huber_delta", .5);
  settings.set_i64("seed", 1);
  EXPECT_NO_THROW(settings.validate());
}

TEST(Settings, ProvenanceHoldsWhatTakesEffect) {
  Settings settings;
  settings.set_text("solver", "ridge");
  settings.set_i64("seed", 7);
  const auto json = nlohmann::json::parse(settings.to_json());
  EXPECT_EQ(json["solver"], "ridge");
  EXPECT_EQ(json["seed"], 7);
  EXPECT_TRUE(json.contains("ridge_lambda"));
  EXPECT_FALSE(json.contains("lr"));
  EXPECT_FALSE(json.contains("huber_delta"));
}

TEST(HeadSettings, EverySettingArrives) {
  Settings s;
  s.set_text("head", "pooled"), s.set_f64("pooler_dropout", .25), s.set_i64("standardise", 0);
  s.set_text("target_scaling", "none"), s.set_text("loss", "huber"), s.set_f64("huber_delta", .5);
  s.set_i64("epochs", 7), s.set_i64("patience", 3), s.set_i64("batch_size", 9);
  s.set_f64("lr", .02), s.set_f64("warmup", .1), s.set_f64("clip", 2), s.set_i64("seed", 11);
  s.set_f64("adam_beta1", .8), s.set_f64("adam_beta2", .99), s.set_f64("adam_eps", 1e-7);
  s.set_i64("folds", 4);
  const HeadSettings h = read_head_settings(s);
  EXPECT_EQ(h.kind, HeadKind::pooled);
  EXPECT_EQ(h.pooler_dropout, .25);
  EXPECT_FALSE(h.standardise);
  EXPECT_EQ(h.task.scaling, TargetScaling::none);
  EXPECT_EQ(h.task.loss.kind, LossKind::huber);
  EXPECT_EQ(h.task.loss.huber_delta, .5);
  EXPECT_EQ(std::make_tuple(h.epochs, h.patience, h.batch_size, h.folds, h.seed),
            std::make_tuple(7, 3, 9, 4, uint64_t{11}));
  EXPECT_EQ(std::make_tuple(h.lr, h.warmup, h.clip, h.adam_beta1, h.adam_beta2, h.adam_eps),
            std::make_tuple(.02, .1, 2., .8, .99, 1e-7));
}

}  // namespace
}  // namespace molrt
