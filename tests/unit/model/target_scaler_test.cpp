#include "model/target_scaler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/npz.h"

namespace molrt {
namespace {

using nlohmann::json;

TargetScaler from_fields(const std::string& kind, const json& f) {
  TargetScaler s;
  if (kind == "standard") {
    s.mean = f["mean"];
    s.scale = f["scale"];
  } else if (kind == "minmax") {
    s.mean = -f["min"].get<double>() / f["scale"].get<double>();
    s.scale = 1 / f["scale"].get<double>();
  } else if (kind == "robust") {
    s.mean = f["center"];
    s.scale = f["scale"];
  } else if (kind == "maxabs") {
    s.scale = f["scale"];
  } else if (kind == "yj" || kind == "bc") {
    s.kind = kind == "yj" ? ScalerKind::yeo_johnson : ScalerKind::box_cox;
    s.lambda = f["lam"];
    s.mean = f["mean"];
    s.scale = f["scale"];
  } else {
    s.kind = ScalerKind::quantile;
    s.output = kind == "quantile_normal" ? QuantileOutput::normal : QuantileOutput::uniform;
    s.quantiles = f["q"].get<std::vector<double>>();
    s.references = f["r"].get<std::vector<double>>();
  }
  return s;
}

// tests/golden/make_target_scalers.py
TEST(TargetScaler, DoesWhatScikitLearnDoes) {
  const json cases = json::parse(std::ifstream(test::golden_path("target_scalers.json")));
  ASSERT_EQ(cases.size(), 14u);
  for (const json& c : cases) {
    SCOPED_TRACE(c["kind"].get<std::string>() + " " + c["fields"].dump().substr(0, 80));
    const TargetScaler s = from_fields(c["kind"], c["fields"]);
    EXPECT_STREQ(scaler_fault(s), "");
    for (size_t i = 0; i < c["value"].size(); ++i) {
      const double expected = c["scaled"][i];
      EXPECT_NEAR(s.scaled(c["value"][i]), expected, 1e-12 * (1 + std::abs(expected)))
          << c["value"][i];
    }
    for (size_t i = 0; i < c["z"].size(); ++i) {
      const double expected = c["inverse"][i];
      EXPECT_NEAR(s.inverse(c["z"][i]), expected, 1e-12 * (1 + std::abs(expected))) << c["z"][i];
    }
  }
}

TEST(TargetScaler, Log1p) {
  TargetScaler s;
  s.kind = ScalerKind::log1p;
  EXPECT_DOUBLE_EQ(s.inverse(1e-9), std::expm1(1e-9));
  EXPECT_DOUBLE_EQ(s.scaled(3), std::log(4.));
  EXPECT_TRUE(std::isnan(s.scaled(-2)));
}

TEST(TargetScaler, OutsideOfTheDomainIsNotANumber) {
  TargetScaler s;
  s.kind = ScalerKind::box_cox;
  s.lambda = .4;
  EXPECT_TRUE(std::isnan(s.inverse(-3)));
  EXPECT_TRUE(std::isnan(s.scaled(0)));
  for (const ScalerKind kind : {ScalerKind::linear, ScalerKind::quantile}) {
    s.kind = kind;
    s.quantiles = s.references = {0, 1};
    EXPECT_TRUE(std::isnan(s.inverse(NAN)));
    EXPECT_TRUE(std::isnan(s.scaled(NAN)));
  }
}

TEST(TargetScaler, SaysWhatIsUnusable) {
  TargetScaler s;
  s.scale = 0;
  EXPECT_STRNE(scaler_fault(s), "");
  s = {};
  s.lambda = INFINITY;
  EXPECT_STRNE(scaler_fault(s), "");
  s = {};
  s.kind = ScalerKind::quantile;
  EXPECT_STRNE(scaler_fault(s), "");
  s.quantiles = {2, 1};
  s.references = {0, 1};
  EXPECT_STRNE(scaler_fault(s), "");
  s.quantiles = {1, 1};
  EXPECT_STREQ(scaler_fault(s), "");
}

}  // namespace
}  // namespace molrt
