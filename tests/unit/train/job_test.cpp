// Whole networks in training, from SMILES to a model: what is frozen, what the settings do, and the
// same bytes whatever the threads.
#include "train/job.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "model/initialise.h"
#include "support/expect_error.h"
#include "support/small_job.h"

namespace molrt {
namespace {

using namespace test;

const std::string fc1 = "encoder.layers.2.fc1.weight";

TEST(NetworkJob, TrainsEveryTensorToTheSameBytesWhateverTheThreads) {
  for (const PairKernel kernel : {PairKernel::gaussian, PairKernel::linear}) {
    const auto base = small_base(kernel);
    const Trained one = run(base, network_settings_of()), two = run(base, network_settings_of(), 2);
    EXPECT_TRUE(same_tensors(one.model(), two.model()));
    EXPECT_EQ(one.job->result().report, two.job->result().report);
    for (const auto& [name, tensor] : base->tensors()) {
      if (name == "encoder.layers.2.self_attn.in_proj.bias") continue;  // its key third has none
      EXPECT_FALSE(same_bytes(tensor, one.model().tensors().at(name))) << name;
    }
  }
}

TEST(NetworkJob, TheModelPredictsWhatWasHeldOut) {
  const Trained trained = run(small_base(), network_settings_of());
  Batch batch(ConformerOptions{});
  for (const auto& text : smiles) batch.add_text({text});
  std::vector<float> mean(smiles.size());
  batch.predict(trained.model(), {}, mean.data(), nullptr);
  size_t held_out = 0;
  for (size_t i = 0; i < smiles.size(); ++i) {
    const float told = trained.job->result().held_out[i];
    if (std::isnan(told)) continue;
    ++held_out;
    EXPECT_EQ(told, mean[i]) << smiles[i];
  }
  EXPECT_EQ(held_out, 6u);
}

TEST(NetworkJob, FrozenTensorsKeepTheirBytes) {
  const auto base = small_base();
  Settings s = network_settings_of();
  s.set_text("freeze.prefix",
             "embed_tokens,gbf,encoder.emb,encoder.layers.0.,encoder.layers.2.fc1");
  const Trained trained = run(base, s);
  const auto is_frozen = [](const std::string& name) {
    for (const char* prefix :
         {"embed_tokens", "gbf", "encoder.emb", "encoder.layers.0.", "encoder.layers.2.fc1"})
      if (name.starts_with(prefix)) return true;
    return false;
  };
  for (const auto& [name, tensor] : base->tensors())
    EXPECT_EQ(same_bytes(tensor, trained.model().tensors().at(name)), is_frozen(name)) << name;
}

TEST(NetworkJob, FrozenLayersCanBeQuietOrNot) {
  Settings s = network_settings_of();
  s.set_text("freeze.prefix", "embed_tokens,gbf,encoder.emb,encoder.layers.0.");
  const auto base = small_base();
  const Trained quiet = run(base, s);
  s.set_text("freeze.mode", "train");
  EXPECT_FALSE(same_tensors(quiet.model(), run(base, s).model()));
}

TEST(NetworkJob, AnUnknownPrefixIsAnError) {
  Settings s = network_settings_of();
  s.set_text("freeze.prefix", "encoder.layer.0");
  EXPECT_ERROR(run(small_base(), s), MOLRT_ERROR_INVALID_ARGUMENT,
               "no tensor of the encoder begins with 'encoder.layer.0'");
}

TEST(NetworkJob, RatesOfZeroAreNoDropout) {
  const auto base = small_base();
  const Trained rates = run(base, network_settings_of({{"emb_dropout", 0},
                                                       {"dropout", 0},
                                                       {"attention_dropout", 0},
                                                       {"activation_dropout", 0},
                                                       {"pooler_dropout", 0}}));
  Settings preset = network_settings_of();
  preset.set_i64("no_dropout", 1);
  EXPECT_TRUE(same_tensors(rates.model(), run(base, preset).model()));
  const Trained usual = run(base, network_settings_of());
  EXPECT_FALSE(same_tensors(rates.model(), usual.model()));
  EXPECT_EQ(nlohmann::json::parse(usual.model().card().settings).at("attention_dropout"), .1);
  EXPECT_EQ(nlohmann::json::parse(rates.model().card().settings).at("attention_dropout"), 0);
}

// Each of the five sites does something.
TEST(NetworkJob, EverySiteRuns) {
  const auto base = small_base();
  const auto with = [&](const char* site) {
    Settings s = network_settings_of({{"emb_dropout", 0},
                                      {"dropout", 0},
                                      {"attention_dropout", 0},
                                      {"activation_dropout", 0},
                                      {"pooler_dropout", 0}});
    s.set_f64(site, .3);
    return to_f32(run(base, s).model().tensors().at(fc1));
  };
  std::set<std::vector<float>> results;
  for (const char* site :
       {"emb_dropout", "dropout", "attention_dropout", "activation_dropout", "pooler_dropout"})
    results.insert(with(site));
  EXPECT_EQ(results.size(), 5u);
}

TEST(NetworkJob, OffValuesAreTheBaselinesBytes) {
  const auto base = small_base();
  const Trained plain = run(base, network_settings_of());
  EXPECT_TRUE(same_tensors(plain.model(), run(base, network_settings_of({{"weight_decay", 0},
                                                                         {"l2sp.lambda", 0},
                                                                         {"l2sp.head", 0},
                                                                         {"llrd.xi", 1},
                                                                         {"ema.beta", 0}}))
                                              .model()));
  for (const auto& [name, value] :
       {std::pair("weight_decay", .1), std::pair("l2sp.lambda", .1), std::pair("l2sp.head", .1),
        std::pair("llrd.xi", .5), std::pair("ema.beta", .9)})
    EXPECT_FALSE(
        same_tensors(plain.model(), run(base, network_settings_of({{name, value}})).model()))
        << name;
}

TEST(NetworkJob, PullsAndRatesKeepWeightsNearTheBase) {
  const auto base = small_base();
  const auto moved = [&](std::initializer_list<std::pair<const char*, double>> settings,
                         const std::string& name) {
    return distance(*base, run(base, network_settings_of(settings)).model(), name);
  };
  const std::string low = "encoder.layers.0.fc1.weight";
  EXPECT_LT(moved({{"l2sp.lambda", 90}}, fc1), .9 * moved({}, fc1));
  EXPECT_LT(moved({{"llrd.xi", .3}}, low), .2 * moved({}, low));
}

TEST(NetworkJob, MembersAreFoldsTimesSeeds) {
  Settings s;
  s.set_text("freeze.prefix", "none");
  s.set_i64("epochs", 2);
  s.set_i64("folds", 2);
  s.set_i64("seeds", 3);
  const Trained trained = run(small_base(), s);
  EXPECT_EQ(trained.model().heads().size(), 6u);
  EXPECT_EQ(trained.model().encoders(), 6u);
  const auto report = trained.report();
  EXPECT_EQ(report["folds"].size(), 6u);
  EXPECT_EQ(report["folds"][4]["seed"], 44);
  EXPECT_EQ(report["folds"][4]["split"], 0);
  EXPECT_EQ(report["held_out"][0]["n"], 24);
}

TEST(NetworkJob, RefitsOnAllRowsForTheMedianOfTheBestEpochs) {
  Settings s = network_settings_of();
  s.set_i64("refit", 1);
  const Trained refitted = run(small_base(), s);
  EXPECT_EQ(refitted.model().heads().size(), 1u);
  EXPECT_EQ(refitted.report()["held_out"][0]["n"], 6);
  const Settings all = network_settings_of({{"valid_fraction", 0}});
  EXPECT_TRUE(same_tensors(refitted.model(), run(small_base(), all).model()));
}

TEST(NetworkJob, GoesOnWithTheBasesHead) {
  const Trained first = run(small_base(), network_settings_of());
  Settings still = network_settings_of({{"lr", 1e-12}});
  still.set_text("head_init", "base");
  const auto base = first.job->model();
  const Trained second = run(base, still);
  EXPECT_LT(distance(*base, second.model(), "classification_head.out_proj.weight"), 1e-8);
  EXPECT_EQ(base->card().scalers, second.model().card().scalers);
  EXPECT_ERROR(run(small_base(), still), MOLRT_ERROR_INVALID_ARGUMENT, "no head");
}

TEST(NetworkJob, ContinuesFromAModelOfSeveralEncoders) {
  Settings folds;
  folds.set_text("freeze.prefix", "none");
  folds.set_i64("epochs", 1);
  folds.set_i64("folds", 2);
  const auto base = run(small_base(), folds).job->model();
  ASSERT_EQ(base->encoders(), 2u);
  folds.set_f64("lr", 1e-12);
  const Trained again = run(base, folds);
  for (const char* name :
       {"folds.0.encoder.layers.2.fc1.weight", "folds.1.encoder.layers.2.fc1.weight"})
    EXPECT_LT(distance(*base, again.model(), name), 1e-8) << name;
}

}  // namespace
}  // namespace molrt
