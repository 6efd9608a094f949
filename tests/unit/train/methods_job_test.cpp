// Every method in whole training runs: off values, what stays and what moves, the same bytes
// whatever the threads (regularisers.md: X1, X3, D1, D3, D8, R3 and interactions).
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/small_job.h"
#include "train/method.h"

namespace molrt {
namespace {

using namespace test;
using Change = std::pair<const char*, SettingValue>;

Settings with(Settings s, const std::vector<Change>& changes) {
  for (const auto& [name, value] : changes) {
    if (const auto* text = std::get_if<std::string>(&value)) s.set_text(name, *text);
    if (const auto* number = std::get_if<double>(&value)) s.set_f64(name, *number);
    if (const auto* integer = std::get_if<int64_t>(&value)) s.set_i64(name, *integer);
  }
  return s;
}

Settings on(const std::vector<Change>& changes) { return with(network_settings_of(), changes); }

const std::vector<std::vector<Change>> runs = {
    {{"rdrop.on", int64_t{1}}},
    {{"rdrop.on", int64_t{1}}, {"rdrop.alpha", 0.}},
    {{"rdrop.on", int64_t{1}}, {"msd.n", int64_t{3}}, {"msd.p", .2}, {"msd.reduce", "pred"}},
    {{"mixout.p", .8}},
    {{"mixout.p", .8}, {"mixout.mask", "element"}, {"mixout.head", "init"}},
    {{"mixout.p", .5}, {"mixout.replaces_dropout", int64_t{0}}, {"rdrop.on", int64_t{1}}},
    {{"mixout.p", .3}, {"mixout.target", "zero"}, {"mixout.head", "zero"}},
    {{"mixout.p", .5}, {"rdrop.on", int64_t{1}}},
    {{"child.mode", "D"}},
    {{"child.mode", "D"},
     {"fisher.unit", "batch"},
     {"fisher.label", "model"},
     {"fisher.dropout", int64_t{1}}},
    {{"child.mode", "FD"}, {"fisher.after_epochs", int64_t{2}}, {"weight_decay", .1}},
    {{"child.mode", "F"}, {"child.stage", "update"}, {"mixout.p", .5}},
    {{"addrop.q", .5}},
    {{"addrop.q", .5}, {"addrop.every", int64_t{1}}, {"addrop.target", "abs"}, {"mixout.p", .3}},
    {{"addrop.q", .5}, {"addrop.attr", "iga"}, {"addrop.m", int64_t{3}}, {"addrop.pass1", "eval"}},
    {{"addrop.q", .9}, {"addrop.attr", "aa"}, {"addrop.layers", "1,2"}, {"addrop.order", "low"}},
    {{"addrop.q", .5}, {"addrop.attr", "ra"}, {"rdrop.on", int64_t{1}}},
    {{"addrop.q", .5},
     {"addrop.target", "gold"},
     {"freeze.prefix", "embed_tokens,gbf,encoder.emb,encoder.layers.0."}},
};

class MethodRuns : public testing::TestWithParam<size_t> {};

TEST_P(MethodRuns, LearnToTheSameBytesWhateverTheThreads) {
  const Settings s = on(runs[GetParam()]);
  const Trained one = run(small_base(), s, 1), three = run(small_base(), s, 3);
  EXPECT_TRUE(same_tensors(one.model(), three.model()));
  EXPECT_GT(distance(*small_base(), one.model(), "encoder.layers.2.fc1.weight"), 0);
  for (const int64_t quiet : {0, 1}) {
    const Settings plain = on({{"no_dropout", quiet}});
    EXPECT_FALSE(same_tensors(one.model(), run(small_base(), plain).model()));
  }
  EXPECT_FALSE(one.report()["counted"].is_null());
}

INSTANTIATE_TEST_SUITE_P(All, MethodRuns, testing::Range(size_t{0}, runs.size()));

TEST(MethodJobs, LearnInBfloat16ToTheSameBytes) {
  if (!has_bf16()) GTEST_SKIP() << why_not(Precision::bf16);
  const Settings s =
      on({{"precision", "bf16"}, {"rdrop.on", int64_t{1}}, {"addrop.q", .5}, {"mixout.p", .3}});
  const Trained one = run(small_base(), s, 1), three = run(small_base(), s, 3);
  EXPECT_TRUE(same_tensors(one.model(), three.model()));
  const Settings exact = with(s, {{"precision", "f32"}});
  EXPECT_FALSE(same_tensors(one.model(), run(small_base(), exact).model()));
}

TEST(MethodJobs, AWholeChildIsAdam) {  // D1
  const Settings plain = network_settings_of({{"weight_decay", .1}});
  const Settings child = with(plain, {{"child.mode", "D"}, {"child.keep_d", 1.}});
  EXPECT_TRUE(same_tensors(run(small_base(), plain).model(), run(small_base(), child).model()));
}

size_t count_changed(const Model& a, const Model& b, const std::string& start, size_t& all) {
  size_t changed = 0;
  for (const auto& [name, tensor] : a.tensors()) {
    if (!name.starts_with(start)) continue;
    const auto x = to_f32(tensor), y = to_f32(b.tensors().at(name));
    for (size_t i = 0; i < x.size(); ++i) changed += x[i] != y[i];
    all += x.size();
  }
  return changed;
}

TEST(MethodJobs, OnlyTheChildLearns) {  // D2, D3
  for (const bool decayed : {false, true}) {
    const auto base = small_base();
    Settings s = on({{"child.mode", "D"}, {"child.keep_d", .25}, {"weight_decay", .1}});
    if (decayed) s.set_i64("child.decay_masked", 1);
    const Trained trained = run(base, s);
    size_t all = 0;
    const size_t changed = count_changed(*base, trained.model(), "encoder.layers.", all);
    const auto kept = static_cast<size_t>(std::floor(.25 * static_cast<double>(all) + .5));
    if (decayed) {
      EXPECT_GT(changed, kept);
    } else {
      EXPECT_LE(changed, kept);
      EXPECT_GT(changed, kept * 9 / 10);
    }
    size_t others = 0;
    EXPECT_GT(count_changed(*base, trained.model(), "embed_tokens", others), 0u);
  }
}

// One step moves what is outside the scope as without a child.
TEST(MethodJobs, OutOfTheScopeTheFirstStepIsTheSame) {  // D8
  const auto base = small_base();
  const std::vector<Change> one = {
      {"epochs", int64_t{1}}, {"batch_size", int64_t{18}}, {"warmup", 0.}};
  const Trained plain = run(base, on(one));
  const Trained child = run(base, with(on(one), {{"child.mode", "D"}}));
  for (const char* name :
       {"embed_tokens.weight", "classification_head.out_proj.weight", "gbf_proj.linear1.weight"})
    EXPECT_EQ(distance(plain.model(), child.model(), name), 0) << name;
  EXPECT_GT(distance(plain.model(), child.model(), "encoder.layers.2.fc1.weight"), 0);
}

TEST(MethodJobs, MixoutsFirstLossIsThatWithoutDropout) {  // X3
  const std::vector<Change> one = {{"epochs", int64_t{1}}, {"batch_size", int64_t{18}}};
  const double mixed =
      run(small_base(), with(on(one), {{"mixout.p", .9}})).report()["folds"][0]["train_loss"];
  const double plain = run(small_base(), with(on(one), {{"no_dropout", int64_t{1}}}))
                           .report()["folds"][0]["train_loss"];
  EXPECT_EQ(mixed, plain);
}

// A8: an epoch in which AD-DROP rests is a plain one.
TEST(MethodJobs, TheFirstEpochOfCrossTuningIsPlain) {
  const std::vector<Change> one = {{"epochs", int64_t{1}}};
  const Trained plain = run(small_base(), on(one));
  EXPECT_TRUE(
      same_tensors(plain.model(), run(small_base(), with(on(one), {{"addrop.q", .5}})).model()));
  for (const Change& none : {Change{"addrop.p", 0.}, Change{"addrop.q", 1e-10}})  // A1
    EXPECT_TRUE(same_tensors(
        plain.model(),
        run(small_base(), with(on(one), {{"addrop.q", .5}, {"addrop.every", int64_t{1}}, none}))
            .model()));
}

TEST(MethodJobs, AttributeEveryTask) {
  for (const char* task : {"binary", "multiclass"})
    for (const char* target : {"dev", "abs", "out", "gold", "pseudo"}) {
      const Settings s = on({{"task", task},
                             {"addrop.q", .5},
                             {"addrop.every", int64_t{1}},
                             {"addrop.target", target},
                             {"epochs", int64_t{2}}});
      Batch batch(ConformerOptions{});
      TrainingTable table{{}, {"y"}, {""}};
      for (size_t i = 0; i < smiles.size(); ++i) {
        batch.add_text({smiles[i]});
        table.values.push_back(static_cast<double>(i % (task[0] == 'b' ? 2 : 3)));
      }
      Job job(small_base(), std::move(batch), std::move(table), s);
      EXPECT_NO_THROW(job.run({}, {})) << task << " " << target;
    }
}

TEST(MethodJobs, RefuseAttentionThatIsNotLearnt) {
  EXPECT_ERROR(run(small_base(), on({{"addrop.q", .5}, {"freeze.prefix", "encoder"}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "addrop.q");
  EXPECT_ERROR(run(small_base(), on({{"addrop.q", .5}, {"addrop.layers", "3"}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "layer 3 is not there");
  EXPECT_ERROR(
      run(small_base(), on({{"addrop.q", .5},
                            {"addrop.layers", "0"},
                            {"freeze.prefix", "embed_tokens,gbf,encoder.emb,encoder.layers.0."}})),
      MOLRT_ERROR_INVALID_ARGUMENT, "layer 0 is frozen");
  EXPECT_ERROR(run(small_base(), on({{"addrop.q", .5}, {"patience", int64_t{1}}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "patience");
  EXPECT_ERROR(run(small_base(), on({{"addrop.q", .5}, {"addrop.target", "pseudo"}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "addrop.target");
  EXPECT_ERROR(
      run(small_base(), on({{"addrop.q", .5}, {"addrop.attr", "aa"}, {"addrop.target", "abs"}})),
      MOLRT_ERROR_INVALID_ARGUMENT, "no target");
}

TEST(MethodJobs, TellWhatTheyWeighAndCost) {
  const auto counted = [](const std::vector<Change>& changes) {
    return run(small_base(), on(changes)).report()["counted"];
  };
  const auto plain = counted({{"pooler_dropout", .2}});
  EXPECT_EQ(plain["encoder_kappa"], 1);
  EXPECT_EQ(plain["head_kappa"], 1);
  EXPECT_EQ(plain["cost"], 1);
  const auto rdrop = counted({{"rdrop.on", int64_t{1}},
                              {"rdrop.alpha", 3.},
                              {"msd.n", int64_t{4}},
                              {"msd.p", .2},
                              {"msd.reduce", "pred"}});
  EXPECT_EQ(rdrop["encoder_kappa"], 4);
  EXPECT_EQ(rdrop["head_kappa"], 1);  // (1 + alpha) / n
  EXPECT_EQ(rdrop["cost"], 2);
  EXPECT_EQ(counted({{"child.mode", "D"}})["extra_epochs"], 1);
  EXPECT_NEAR(counted({{"addrop.q", .3}, {"addrop.every", int64_t{1}}})["cost"], 5. / 3, 1e-9);
  EXPECT_NEAR(counted({{"addrop.q", .3}})["cost"], 4. / 3, 1e-9);
  EXPECT_NEAR(counted({{"addrop.q", .3}, {"addrop.attr", "iga"}})["cost"], 1 + 41. / 6, 1e-9);
  EXPECT_TRUE(counted({{"loss", "mae"}})["head_kappa"].is_null());
}

Trained run_with_unlabelled(const Settings& settings, int threads = 1) {
  Batch batch(ConformerOptions{}), others(ConformerOptions{});
  TrainingTable table{{}, {"y"}, {""}};
  for (size_t i = 0; i < smiles.size(); ++i) {
    batch.add_text({smiles[i]});
    table.values.push_back(static_cast<double>((i * 7) % 11) / 3);
  }
  for (const char* text : {"CCBr", "nonsense", "C1CC1", "OCCN", "CC(C)C"}) others.add_text({text});
  Trained result{std::make_unique<Job>(small_base(), std::move(batch), std::move(table), settings)};
  result.job->set_unlabelled(std::move(others));
  RunOptions options;
  options.threads = threads;
  result.job->run(options, {});
  return result;
}

TEST(MethodJobs, LearnFromMoleculesWithoutValues) {
  for (const char* mode : {"joint", "alternate"})
    for (const char* frozen : {"none", "encoder"}) {
      const Settings s = on({{"rdrop.on", int64_t{1}},
                             {"pooler_dropout", .2},
                             {"rdrop.u_mode", mode},
                             {"freeze.prefix", frozen}});
      const Trained one = run_with_unlabelled(s), two = run_with_unlabelled(s, 2);
      EXPECT_TRUE(same_tensors(one.model(), two.model()));
      EXPECT_EQ(one.report()["unlabelled"]["rows"], 5);
      EXPECT_EQ(one.report()["unlabelled"]["used"], 4);
      Settings without = s;
      without.set_f64("rdrop.u_weight", 0);
      const bool same = same_tensors(one.model(), run_with_unlabelled(without).model());
      EXPECT_FALSE(same) << mode << " " << frozen;
      // Without a weight they change nothing, not even what the others draw.
      Settings alone =
          on({{"rdrop.on", int64_t{1}}, {"pooler_dropout", .2}, {"freeze.prefix", frozen}});
      EXPECT_TRUE(
          same_tensors(run(small_base(), alone).model(), run_with_unlabelled(without).model()));
    }
}

TEST(MethodJobs, RefuseMoleculesWithoutValuesThatDoNothing) {
  EXPECT_ERROR(run_with_unlabelled(network_settings_of()), MOLRT_ERROR_INVALID_ARGUMENT,
               "rdrop.on");
  EXPECT_ERROR(run_with_unlabelled(on({{"rdrop.on", int64_t{1}}, {"rdrop.alpha", 0.}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "rdrop.alpha");
  EXPECT_ERROR(run(small_base(), on({{"rdrop.on", int64_t{1}}, {"rdrop.u_mode", "joint"}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "rdrop.u_mode");
}

TEST(MethodJobs, RefuseNamesThatNothingHas) {
  EXPECT_ERROR(run(small_base(), on({{"mixout.p", .5}, {"mixout.scope", "decoder."}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "mixout.scope");
  EXPECT_ERROR(run(small_base(), on({{"child.mode", "D"}, {"fisher.scope", "decoder."}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "fisher.scope");
  EXPECT_ERROR(run(small_base(), on({{"child.mode", "D"}, {"fisher.after_epochs", int64_t{4}}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "fisher.after_epochs");
}

TEST(MethodJobs, RefuseTwoEqualPasses) {
  EXPECT_ERROR(run(small_base(), on({{"rdrop.on", int64_t{1}}, {"no_dropout", int64_t{1}}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "equal");
  EXPECT_ERROR(run(small_base(),
                   on({{"rdrop.on", int64_t{1}}, {"freeze.prefix", "embed_tokens,gbf,encoder."}})),
               MOLRT_ERROR_INVALID_ARGUMENT, "equal");
}

TEST(MethodJobs, WarnOfWhatIsRarelyMeant) {
  const auto report = run(small_base(), on({{"mixout.p", .5}, {"l2sp.lambda", .1}})).report();
  EXPECT_NE(report["warnings"].dump().find("l2sp"), std::string::npos);
}

}  // namespace
}  // namespace molrt
