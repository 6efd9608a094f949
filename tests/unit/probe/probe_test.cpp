// The probe of source 002: keys dropped by attribution in one layer at a time.
#include "probe/probe.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "model/folds.h"
#include "model/mc.h"
#include "model/trainable_encoder.h"
#include "support/expect_error.h"
#include "support/small_job.h"

namespace molrt {
namespace {

using Json = nlohmann::json;

double label_of(size_t i) { return static_cast<double>((i * 7) % 11) / 3; }

const test::Trained& trained() {
  static const test::Trained trained = [] {
    Settings settings = test::network_settings_of({{"lr", 3e-3}});
    settings.set_i64("epochs", 30);
    return test::run(test::small_base(), settings, 2);
  }();
  return trained;
}

// Molecules of test::smiles with their labels.
struct Table {
  Batch batch{ConformerOptions{}};
  std::vector<double> labels;

  explicit Table(const std::vector<size_t>& rows) {
    for (const size_t row : rows) add(test::smiles[row], label_of(row));
  }
  Table() {
    for (size_t i = 0; i < test::smiles.size(); ++i) add(test::smiles[i], label_of(i));
  }
  void add(const std::string& smiles, double label) {
    batch.add_text({smiles});
    labels.push_back(label);
  }
};

ProbeOptions options_of(std::vector<int> layers, std::vector<double> rates) {
  return {std::move(layers), std::move(rates), {ProbeAttribution::gold, ProbeAttribution::abs}, 0};
}

RunOptions run_options(int threads = 1, int batch_size = 0) {
  RunOptions run;
  run.threads = threads;
  run.batch_size = batch_size;
  return run;
}

ProbeResult probe(const Model& model, Table& table, const ProbeOptions& options,
                  const RunOptions& run = run_options()) {
  return run_probe({model, table.batch, table.labels}, options, run);
}

// Of a table of one row the prediction is known up to its sign.
double distance(const ProbeResult& result, size_t layer, size_t order, size_t rate) {
  return result.at(layer, order, rate, 0)[0];
}

enum Orders : size_t { at_random, gold_low, gold_high, abs_low, abs_high };

TEST(Probe, BeginsWithWhatPredictionSays) {
  Table table;
  const ProbeResult result = probe(trained().model(), table, options_of({0}, {.5}));
  std::vector<float> predicted(table.labels.size());
  Batch again = Table().batch;
  again.predict(trained().model(), run_options(), predicted.data(), nullptr);
  Outcomes outcomes{table.labels, {predicted.begin(), predicted.end()}, 1};
  EXPECT_EQ(result.plain[0][0], evaluate_metric(Metric::rmse, outcomes));
  EXPECT_EQ(result.plain[0][1], evaluate_metric(Metric::r2, outcomes));
  EXPECT_EQ(result.used, table.labels.size());
  EXPECT_EQ(result.labels[0], table.labels.size());
}

// A few keys: of more, the effect is no longer what the gradient says.
TEST(Probe, WhatSpeaksAgainstTheLabelDoesHarmAndWhatSpeaksForItHelps) {
  Table table;
  const ProbeResult r = probe(trained().model(), table, options_of({0, 1, 2}, {.1, .2}));
  for (size_t layer = 0; layer < 3; ++layer)
    for (size_t rate = 0; rate < 2; ++rate) {
      EXPECT_LT(r.at(layer, gold_low, rate, 0)[0], r.plain[0][0]) << layer << ' ' << rate;
      EXPECT_GT(r.at(layer, gold_high, rate, 0)[0], r.plain[0][0]) << layer << ' ' << rate;
      EXPECT_GT(r.at(layer, gold_low, rate, 0)[1], r.plain[0][1]) << layer << ' ' << rate;
    }
}

TEST(Probe, DependsOnNeitherThreadsNorBatches) {
  const ProbeOptions options = options_of({0, 2}, {.1, .6});
  Table table;
  const std::string expected = probe_json(probe(trained().model(), table, options));
  for (const auto& run : {run_options(2), run_options(3, 1), run_options(2, 5)})
    EXPECT_EQ(probe_json(probe(trained().model(), table, options, run)), expected);
}

TEST(Probe, OfARowDependsOnNoOther) {
  const ProbeOptions options = options_of({1}, {.3});
  const std::vector<size_t> rows = {2, 5, 12};
  Table all(rows);
  all.add("CCCCO", NAN);
  const ProbeResult whole = probe(trained().model(), all, options);
  EXPECT_EQ(whole.without_target, 1u);
  for (size_t order = 0; order < 5; ++order) {
    double squares = 0;
    for (const size_t row : rows) {
      Table one({row});
      squares += std::pow(distance(probe(trained().model(), one, options), 0, order, 0), 2);
    }
    EXPECT_DOUBLE_EQ(whole.at(0, order, 0, 0)[0], std::sqrt(squares / 3)) << order;
  }
}

// The masks of one molecule's row, made here.
DroppedKeys random_keys(const Features& molecule, const Architecture& a, int layer, double rate) {
  const AttentionShape shape{molecule.length(), a.width, a.heads};
  const KeyCoins coins{random_key(0, 0xFFFFFFFF), molecule_id(molecule), layer,
                       random_purpose(Purpose::addrop)};
  KeyMask mask(shape.mask_size());
  for (int head = 0; head < a.heads; ++head)
    drop_by_score(shape, head, nullptr, {rate, 1, KeyOrder::random, false}, coins,
                  mask.data() + head * shape.tokens * shape.mask_stride());
  DroppedKeys dropped{std::vector<std::vector<KeyMask>>(static_cast<size_t>(a.layers))};
  dropped.layers[static_cast<size_t>(layer)].push_back(mask);
  return dropped;
}

int dropped_keys_of(const DroppedKeys& dropped, int layer) {
  int count = 0;
  for (const uint16_t word : dropped.layers[static_cast<size_t>(layer)][0])
    count += std::popcount(word);
  return count;
}

double prediction_without(const Model& model, const Features& molecule,
                          const DroppedKeys& dropped) {
  NoisyEncoder encoder(model.card().architecture, model.encoder_tensors(0));
  Team team(1);
  EncoderNoise noise;
  noise.dropped_keys = &dropped;
  const Features* const one = &molecule;
  const std::vector<float> cls = encoder.cls(team, {&one, 1}, noise);
  double scaled = 0;
  float mean = 0, deviation = 0;
  model.scaled_outputs(0, cls.data(), &scaled);
  model.finish(&scaled, &mean, &deviation);
  return mean;
}

TEST(Probe, DropsExactlyItsPartOfTheKeys) {
  const Model& model = trained().model();
  const Architecture& a = model.card().architecture;
  const std::vector<double> rates = {1e-9, .25, .9};
  for (int layer = 0; layer < a.layers; ++layer) {
    Table table({11});
    const ProbeResult result = probe(model, table, options_of({layer}, rates));
    const Features& molecule = *table.batch.features(0)[0];
    const int n = molecule.length();
    for (size_t rate = 0; rate < rates.size(); ++rate) {
      const DroppedKeys dropped = random_keys(molecule, a, layer, rates[rate]);
      const int k = std::max(1, static_cast<int>(std::ceil(rates[rate] * n - 1e-6)));
      EXPECT_EQ(dropped_keys_of(dropped, layer), a.heads * n * k);
      EXPECT_FLOAT_EQ(static_cast<float>(distance(result, 0, at_random, rate)),
                      static_cast<float>(std::abs(prediction_without(model, molecule, dropped) -
                                                  table.labels[0])));
    }
  }
}

TEST(Probe, OfRatesBelowOneKeyIsThatOfOne) {
  Table table({3, 8});
  const ProbeResult r = probe(trained().model(), table, options_of({1}, {1e-9, .05, .5}));
  for (size_t order = 0; order < 5; ++order) {
    EXPECT_EQ(r.at(0, order, 0, 0), r.at(0, order, 1, 0));
    EXPECT_NE(r.at(0, order, 0, 0), r.at(0, order, 2, 0));
  }
}

TEST(Probe, OfEqualNetworksIsThatOfOne) {
  const Model& one = trained().model();
  ModelCard card = one.card();
  card.scalers.push_back(card.scalers[0]);
  const Model two = one.with_heads(card, {one.heads()[0], one.heads()[0]});
  Table table;
  const ProbeOptions options = options_of({0, 2}, {.3, .7});
  const ProbeResult a = probe(one, table, options), b = probe(two, table, options);
  EXPECT_EQ(a.dropped, b.dropped);
  EXPECT_EQ(b.networks, 2);
  EXPECT_GT(b.passes, a.passes);
}

TEST(Probe, OfSeveralConformersIsOfTheirMean) {
  Table table;
  Sampling three;
  three.count = 3;
  table.batch = Batch(ConformerOptions{}, three);
  for (const std::string& smiles : test::smiles) table.batch.add_text({smiles});
  const ProbeResult r = probe(trained().model(), table, options_of({0}, {.5}));
  std::vector<float> predicted(table.labels.size());
  table.batch.predict(trained().model(), run_options(), predicted.data(), nullptr);
  Outcomes outcomes{table.labels, {predicted.begin(), predicted.end()}, 1};
  EXPECT_EQ(r.plain[0][0], evaluate_metric(Metric::rmse, outcomes));
  EXPECT_LT(r.at(0, gold_low, 0, 0)[0], r.at(0, gold_high, 0, 0)[0]);
}

TEST(Probe, CountsItsWorkAndCanBeStopped) {
  Table table;
  const ProbeOptions options = options_of({0, 1}, {.5});
  RunOptions run = run_options();
  size_t done = 0, total = 0, limit = SIZE_MAX;
  run.progress = [&](int stage, size_t d, size_t t) {
    if (stage != MOLRT_STAGE_PROBE) return false;
    EXPECT_GE(d, done);
    done = d, total = t;
    return d > limit;
  };
  const ProbeResult result = probe(trained().model(), table, options, run);
  EXPECT_EQ(done, total);
  const double layers = trained().model().card().architecture.layers;
  EXPECT_DOUBLE_EQ(result.passes, 1 + done / layers / static_cast<double>(table.labels.size()));
  done = 0, limit = total / 2;
  EXPECT_ERROR(probe(trained().model(), table, options, run), MOLRT_ERROR_CANCELLED, "stopped");
}

TEST(Probe, ReportsNullForWhatIsNotDefined) {
  Table table({4});
  const Json json = Json::parse(probe_json(probe(trained().model(), table, options_of({2}, {.5}))));
  EXPECT_TRUE(json["targets"][0]["plain"]["r2"].is_null());  // of one value
  EXPECT_TRUE(json["targets"][0]["layers"][0]["abs"]["high"]["rmse"][0].is_number());
  EXPECT_EQ(json["rows"]["used"], 1);
}

TEST(Probe, RefusesWhatCannotBe) {
  const Model& model = trained().model();
  Table table;
  EXPECT_ERROR(probe(model, table, options_of({3}, {.5})), MOLRT_ERROR_INVALID_ARGUMENT,
               "layer 3: the model's layers are 0 to 2");
  EXPECT_ERROR(probe(model, table, options_of({1, 1}, {.5})), MOLRT_ERROR_INVALID_ARGUMENT,
               "layer 1 is there twice");
  EXPECT_ERROR(probe(model, table, options_of({1}, {0})), MOLRT_ERROR_INVALID_ARGUMENT, "rate 0");
  EXPECT_ERROR(probe(model, table, options_of({1}, {NAN})), MOLRT_ERROR_INVALID_ARGUMENT, "rate");
  EXPECT_ERROR(probe(model, table, options_of({}, {.5})), MOLRT_ERROR_INVALID_ARGUMENT, "layer");
  table.labels[5] = INFINITY;
  EXPECT_ERROR(probe(model, table, options_of({1}, {.5})), MOLRT_ERROR_DATA, "6");
  table.labels.assign(table.labels.size(), NAN);
  EXPECT_ERROR(probe(model, table, options_of({1}, {.5})), MOLRT_ERROR_DATA, "24 have no");
}

TEST(ProbeOptions, OfLayersAreAllOfAFew) {
  EXPECT_EQ(usual_probe_layers(1), (std::vector<int>{0}));
  EXPECT_EQ(usual_probe_layers(8).size(), 8u);
  EXPECT_EQ(usual_probe_layers(15), (std::vector<int>{0, 7, 14}));
}

}  // namespace
}  // namespace molrt
