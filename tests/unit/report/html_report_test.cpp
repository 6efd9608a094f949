#include "report/html_report.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"
#include "molrt.h"
#include "report/held_out.h"
#include "report/html.h"

namespace molrt {
namespace {

using Json = nlohmann::ordered_json;

double normal(uint32_t stream, size_t i) {
  return random_normal(random_key(3, 0), stream, 0, 0, i);
}

ReportRow row(const std::string& smiles) {
  return {smiles, MOLRT_ROW_OK, MOLRT_SOURCE_ETKDG_MMFF, 0, ""};
}

Json history() {
  Json epochs = Json::array();
  for (int epoch = 1; epoch <= 30; ++epoch)
    epochs.push_back({{"epoch", epoch},
                      {"train_loss", 1.0 / epoch},
                      {"valid_loss", .2 + 1.0 / epoch},
                      {"metric", 2.0 / epoch},
                      {"lr", 1e-3},
                      {"seconds", .5}});
  return epochs;
}

ReportData run_of(std::vector<ReportTarget> targets, size_t rows) {
  ReportData data;
  data.run = {{"rows", {{"total", rows}, {"used", rows}, {"without_target", 0}, {"failed", 0}}},
              {"settings", {{"epochs", 30}, {"lr", 5e-4}, {"freeze.mode", "eval"}}},
              {"metric", "rmse"},
              {"folds", Json::array({{{"train_rows", rows},
                                      {"held_out_rows", rows},
                                      {"epochs", 30},
                                      {"best_epoch", 30},
                                      {"train_loss", .1},
                                      {"valid_loss", .2},
                                      {"history", history()}}})}};
  data.defaults = {{"epochs", 100}, {"lr", 5e-4}, {"freeze.mode", "eval"}};
  data.run["held_out"] = Json::array();
  for (const ReportTarget& target : targets)
    data.run["held_out"].push_back({{"name", target.name},
                                    {"n", rows},
                                    {"mae", .5},
                                    {"r2", .9},
                                    {"mean_mae", 1.5},
                                    {"mean_r2", 0}});
  data.base = "molecule architecture, 15 layers";
  data.targets = std::move(targets);
  for (size_t i = 0; i < rows; ++i) data.rows.push_back(row(i % 2 ? "CCO" : "c1ccccc1O"));
  data.provenance = {{"Software", "molrt"}, {"Data", "0123abcd"}};
  return data;
}

// Drawn towards the mean: predicted = measured / 2, without noise.
ReportTarget shrunken(size_t rows) {
  ReportTarget target;
  target.name = "logp";
  target.unit = "log mol/L";
  for (size_t i = 0; i < rows; ++i) {
    target.measured.push_back(static_cast<double>(i) / static_cast<double>(rows - 1) * 4 - 2);
    target.predicted.push_back(static_cast<float>(target.measured.back() / 2));
  }
  return target;
}

bool has(const std::string& page, const std::string& text) {
  return page.find(text) != std::string::npos;
}

size_t count(const std::string& page, const std::string& text) {
  size_t found = 0;
  for (size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) ++found;
  return found;
}

TEST(HtmlReport, TellsOfARegression) {
  const std::string page = html_report(run_of({shrunken(100)}, 100));
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(has(page, "A model of logp"));
  EXPECT_TRUE(has(page, "off by 0.5 log mol/L on average"));
  EXPECT_TRUE(has(page, "is off by 1.5 log mol/L"));
  EXPECT_TRUE(has(page, "R² is 0.9: a good model"));
  EXPECT_TRUE(has(page, "slope 0.5"));
  EXPECT_TRUE(has(page, "predictions are drawn towards the mean"));
  EXPECT_TRUE(has(page, "+0.909 log mol/L (predicted too high)")) << "the lowest tenth";
  EXPECT_TRUE(has(page, "\u22120.909 log mol/L (predicted too low)")) << "the highest tenth";
  EXPECT_TRUE(has(page, "Learning curves"));
  EXPECT_EQ(count(page, "<div class=\"molecule\">"), 12u);
  EXPECT_TRUE(has(page, "default: 100")) << "epochs";
  EXPECT_FALSE(has(page, "default: eval"));
  EXPECT_FALSE(has(page, "Coverage")) << "without error bars";
}

TEST(HtmlReport, FetchesAndRunsNothing) {
  const std::string page = html_report(run_of({shrunken(50)}, 50));
  for (const char* what : {"<script", "<link", "<img", "src=", "url(", "@import", "href=\"http"})
    EXPECT_FALSE(has(page, what)) << what;
}

TEST(HtmlReport, TellsOfErrorBarsAndIntervals) {
  ReportTarget target;
  target.name = "y";
  for (size_t i = 0; i < 400; ++i) {
    const double bar = i % 2 ? .1 : i % 4 ? .5 : 1;
    target.measured.push_back(normal(1, i) + bar * normal(2, i));
    target.predicted.push_back(static_cast<float>(normal(1, i)));
    target.error_bar.push_back(static_cast<float>(bar));
  }
  ReportData data = run_of({target}, 400);
  EXPECT_FALSE(has(html_report(data), "round marks"));
  const Json coverage = Json::array({{{"level", .9}, {"seen", .875}}});
  const Json of_target = {{"mc", {{"calibrated", {{"coverage", coverage}}}}}};
  data.run["uncertainty"] = {{"predict", "mc"}, {"targets", Json::array({of_target})}};
  const std::string page = html_report(data);
  EXPECT_TRUE(has(page, "Errors against error bars"));
  EXPECT_TRUE(has(page, "90 % intervals have 88 % of the measured values"));
  EXPECT_TRUE(has(page, "round marks"));
  EXPECT_TRUE(has(page, " \u00b1 0.1"));
  for (float& bar : data.targets[0].error_bar) bar = .5f;
  EXPECT_FALSE(has(html_report(data), "Errors against error bars")) << "one for all";
}

TEST(HtmlReport, TellsOfClasses) {
  ReportTarget target;
  target.name = "active";
  target.classes = 2;
  for (size_t i = 0; i < 100; ++i) {
    target.measured.push_back(i % 4 == 0);
    target.predicted.push_back(i % 4 == 0 ? .8f : .1f + .005f * static_cast<float>(i % 8));
  }
  target.predicted[0] = .01f;  // wrong
  ReportData data = run_of({target}, 100);
  data.task = Task::binary;
  data.run["held_out"][0] = {
      {"name", "active"}, {"n", 100}, {"accuracy", .99}, {"auroc", .95}, {"mean_accuracy", .75}};
  const std::string page = html_report(data);
  EXPECT_TRUE(has(page, "99.0 % of 100 molecules"));
  EXPECT_TRUE(has(page, "is right for 75 %"));
  EXPECT_TRUE(has(page, "ROC AUC is 0.95 (guessing: 0.5): a very good classifier"));
  EXPECT_TRUE(has(page, "ROC curve"));
  EXPECT_TRUE(has(page, "Calibration"));
  EXPECT_TRUE(has(page, "its predicted probability: 1.0 %"));
}

TEST(HtmlReport, TellsOfSeveralClasses) {
  ReportTarget target;
  target.name = "kind";
  target.classes = 3;
  for (size_t i = 0; i < 60; ++i) {
    target.measured.push_back(static_cast<double>(i % 3));
    for (size_t c = 0; c < 3; ++c) target.predicted.push_back(c == i % 3 ? .8f : .1f);
  }
  ReportData data = run_of({target}, 60);
  data.task = Task::multiclass;
  data.run["held_out"][0] = {{"name", "kind"}, {"n", 60}, {"accuracy", 1}};
  const std::string page = html_report(data);
  EXPECT_TRUE(has(page, "100 % of 60 molecules"));
  EXPECT_TRUE(has(page, "predicted 2"));
  EXPECT_FALSE(has(page, "ROC curve"));
}

TEST(HtmlReport, TellsOfTwoClassesWithAProbabilityEach) {
  ReportTarget target;
  target.name = "kind";
  target.classes = 2;
  for (size_t i = 0; i < 60; ++i) {
    target.measured.push_back(i % 3 == 0);
    for (size_t c = 0; c < 2; ++c) target.predicted.push_back(c == (i % 3 == 0) ? .8f : .2f);
  }
  const report::HeldOutClasses rows = report::held_out_classes(target);
  EXPECT_EQ(rows.measured, rows.predicted);
  for (size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(rows.rows[i], i);
    EXPECT_NEAR(rows.score[i], i % 3 == 0 ? .8 : .2, 1e-6);
  }
}

TEST(HtmlReport, WithNothingHeldOut) {
  ReportTarget target = shrunken(20);
  target.predicted.assign(20, NAN);
  ReportData data = run_of({target}, 20);
  data.run["held_out"][0] = {{"name", "logp"}, {"n", 0}, {"mae", nullptr}};
  const std::string page = html_report(data);
  EXPECT_TRUE(has(page, "No measured value of logp was held out"));
  EXPECT_FALSE(has(page, "Worst predictions"));
}

TEST(HtmlReport, TellsOfRowsLeftOutAndWarnings) {
  ReportData data = run_of({shrunken(20)}, 20);
  data.rows[3] = {"C1CC", MOLRT_ROW_INVALID_SMILES, 0, 0, "unclosed ring"};
  data.rows[4].source = MOLRT_SOURCE_2D;
  data.run["warnings"] = {"the predictions are nearly constant"};
  const std::string page = html_report(data);
  for (const char* text : {"invalid_smiles", "unclosed ring", "the predictions are nearly constant",
                           "1 molecules have flat coordinates", "With only 20 held-out values"})
    EXPECT_TRUE(has(page, text)) << text;
}

// Whatever names hold, no markup comes of it.
TEST(HtmlReport, EscapesHostileTexts) {
  const std::string evil = "</title><script>alert('x')</script>\"&\x01\xff";
  ReportTarget target = shrunken(20);
  target.name = target.unit = evil;
  ReportData data = run_of({target}, 20);
  data.title = data.base = evil;
  data.rows[0] = {evil, MOLRT_ROW_INVALID_SMILES, 0, 0, evil};
  data.rows[1].text = "CCO " + evil;
  data.run["warnings"] = {"<script>"};
  data.run["settings"]["split"] = "<script>";
  data.provenance = {{evil, evil}};
  const std::string page = html_report(data);
  EXPECT_FALSE(has(page, "<script"));
  EXPECT_EQ(count(page, "</title>"), count(page, "<title>"));
  EXPECT_FALSE(has(page, "\x01"));
  EXPECT_FALSE(has(page, "\xff"));
  EXPECT_TRUE(has(page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;\uFFFD\uFFFD"));
}

TEST(HtmlReport, IsOfBoundedSize) {
  const std::string large = html_report(run_of({shrunken(100000)}, 100000));
  EXPECT_LT(large.size(), 1u << 20);
  EXPECT_TRUE(has(large, "of 100,000 points are drawn"));
  EXPECT_EQ(large, html_report(run_of({shrunken(100000)}, 100000)));
  std::vector<ReportTarget> targets(300, shrunken(40));
  EXPECT_LT(html_report(run_of(std::move(targets), 40)).size(), 4u << 20);
}

TEST(Html, CutsBetweenCharacters) {
  EXPECT_EQ(report::escaped("\u00b5\u00b5<", 2), "\u00b5\u00b5\u2026");
  EXPECT_EQ(report::escaped("\u00b5\u00b5<", 3), "\u00b5\u00b5&lt;");
}

}  // namespace
}  // namespace molrt
