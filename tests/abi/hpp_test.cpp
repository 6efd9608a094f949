// molrt.hpp: what goes in and comes out, beside the same calls of molrt.h.
#include <algorithm>
#include <cmath>

#include "hpp_support.h"

namespace molrt_hpp {
namespace {

using testing::Test;

class Hpp : public Test {
 protected:
  const molrt::Context context_{1};
  const molrt::Model headed_ = molrt::Model::open(context_, golden_path("molecule_linear.pth"));
};

TEST_F(Hpp, StructsHaveTheLibrarysDefaults) {
  molrt_conformer_options c;
  ASSERT_EQ(molrt_conformer_options_init(&c, sizeof c), MOLRT_OK);
  const molrt::ConformerOptions ours;
  EXPECT_EQ(ours.struct_size, c.struct_size);
  EXPECT_EQ(ours.seed, c.seed);
  EXPECT_EQ(ours.time_limit, c.time_limit);
}

TEST_F(Hpp, OptionsReachTheLibrary) {
  molrt::OpenOptions options;
  options.hydrogens = MOLRT_HYDROGENS_NONE;
  options.max_atoms = 99;
  const auto model = molrt::Model::open(context_, golden_path("molecule_linear.pth"), options);
  EXPECT_EQ(model.info().hydrogens, MOLRT_HYDROGENS_NONE);
  EXPECT_EQ(model.info().max_atoms, 99);
  EXPECT_NE(model.describe().find("\"max_atoms\":99"), std::string::npos) << model.describe();
}

TEST_F(Hpp, PredictsWhatTheCInterfacePredicts) {
  auto batch = new_batch(context_, {"CCO", "not a molecule", "c1ccccc1"});
  const auto ours = molrt::predict(context_, headed_, batch);
  ASSERT_EQ(ours.rows, 3u);
  ASSERT_EQ(ours.outputs, static_cast<size_t>(headed_.info().outputs));
  std::vector<float> mean(ours.mean.size());
  ASSERT_EQ(molrt_predict(context_.get(), headed_.get(), batch.get(), nullptr, mean.data(), nullptr,
                          mean.size()),
            MOLRT_OK);
  EXPECT_EQ(ours.mean.front(), mean.front());
  EXPECT_EQ(ours.mean.back(), mean.back());
  EXPECT_TRUE(std::isnan(ours.mean[ours.outputs]));
  EXPECT_TRUE(std::isnan(ours.deviation.front()));  // one fold
}

TEST_F(Hpp, KnowsOfficialWeights) {
  EXPECT_NE(molrt::describe_official_weights().find("mol_pre_all_h_220816.pt"), std::string::npos);
  const std::string own = molrt::verify_official_weights(MOLRT_TEST_DATA "/molecule_linear.pth");
  EXPECT_NE(own.find("\"official\":null"), std::string::npos) << own;
  EXPECT_THROW(molrt::verify_official_weights("/no/such/file"), molrt::Error);
}

TEST_F(Hpp, KeepsConformers) {
  const std::string path = testing::TempDir() + "molrt-hpp-cache.sqlite";
  molrt::clear_conformer_cache(path);
  context_.set_conformer_cache(path, 1 << 20);
  for (int i = 0; i < 2; ++i) {
    auto batch = new_batch(context_, {"CCO"});
    batch.compute_conformers(context_);
  }
  EXPECT_EQ(context_.conformer_cache().found + context_.conformer_cache().built, 2u);
  EXPECT_NE(molrt::describe_conformer_cache(path).find("\"conformers\":1"), std::string::npos);
  context_.unset_conformer_cache();
  EXPECT_EQ(context_.conformer_cache().state, MOLRT_CACHE_OFF);
  EXPECT_THROW(context_.set_conformer_cache(""), molrt::Error);
}

TEST_F(Hpp, Probes) {
  auto batch = new_batch(context_, {"CCO", "c1ccccc1", "CC(=O)N"});
  molrt::ProbeOptions options;
  options.layers = {1};
  options.rates = {.5};
  options.attributions = MOLRT_ATTRIBUTION_GOLD;
  options.title = "a probe";
  EXPECT_GT(molrt::probe_passes(headed_), molrt::probe_passes(headed_, options));
  const molrt::Probe probe(context_, headed_, batch, {1, 2, NAN}, options);
  EXPECT_NE(probe.report().find("\"used\":2"), std::string::npos) << probe.report();
  EXPECT_EQ(probe.report().find("\"abs\""), std::string::npos);
  EXPECT_NE(probe.html().find("<h1>a probe</h1>"), std::string::npos);
  molrt::RunOptions run;
  run.on_progress = [](const molrt_progress& p) { return p.stage != MOLRT_STAGE_PROBE; };
  EXPECT_THROW(molrt::Probe(context_, headed_, batch, {1, 2, 3}, options, run), molrt::Error);
  options.layers = {3};
  EXPECT_THROW(molrt::probe_passes(headed_, options), molrt::Error);
}

TEST_F(Hpp, NoRowsGiveNoPredictions) {
  molrt::Batch batch(context_);
  EXPECT_TRUE(molrt::predict(context_, headed_, batch).mean.empty());
  EXPECT_TRUE(molrt::embed(context_, headed_, batch).cls.empty());
}

TEST_F(Hpp, RowsTellWhatHappened) {
  auto batch = new_batch(context_, {"CCO", "C1CC"});
  batch.prepare(context_, headed_);
  EXPECT_EQ(batch.row(0).status, MOLRT_ROW_OK);
  EXPECT_EQ(batch.row(0).model_atoms, 9);
  EXPECT_EQ(batch.row_message(0), "");
  EXPECT_EQ(batch.row(1).status, MOLRT_ROW_INVALID_SMILES);
  EXPECT_NE(batch.row_message(1), "");
  batch.clear();
  EXPECT_EQ(batch.size(), 0u);
}

TEST_F(Hpp, Conformers) {
  molrt::Batch batch(context_);
  batch.add("O");
  batch.add({"O", "H", "H"}, {0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0});
  batch.compute_conformers(context_);
  const auto water = batch.conformer(0);
  EXPECT_EQ(water.atomic_numbers, (std::vector<int32_t>{8, 1, 1}));
  EXPECT_EQ(water.input_index, (std::vector<int32_t>{0, -1, -1}));
  const auto given = batch.conformer(1);
  EXPECT_EQ(given.coordinates[3], 0.96f);
  EXPECT_EQ(batch.row(1).source, MOLRT_SOURCE_GIVEN);
  EXPECT_EQ(batch.smiles(0), "O");
  EXPECT_EQ(batch.sdf(0, "water").compare(0, 6, "water\n"), 0) << batch.sdf(0, "water");
}

TEST_F(Hpp, SeveralConformersOfOneCanonicalMolecule) {
  molrt::ConformerOptions options;
  options.count = 3;
  options.flat = 1;
  options.canonical = 1;
  molrt::Batch batch(context_, options);
  batch.add("OCC");
  batch.compute_conformers(context_);
  ASSERT_EQ(batch.row(0).conformers, 3);
  EXPECT_EQ(batch.smiles(0), "CCO");
  EXPECT_EQ(batch.conformer(0).atomic_numbers.front(), 6);  // canonical order
  EXPECT_NE(batch.conformer(0).coordinates, batch.conformer(0, 1).coordinates);
  EXPECT_NE(batch.sdf(0, "", 0), batch.sdf(0, "", 2));
  EXPECT_EQ(status_of([&] { batch.conformer(0, 3); }), MOLRT_ERROR_INVALID_ARGUMENT);
}

TEST_F(Hpp, MolBlocks) {
  molrt::Batch source(context_);
  source.add("CO");
  source.compute_conformers(context_);
  molrt::Batch batch(context_);
  batch.add_mol_block(source.sdf(0));
  batch.add_mol_block("junk");
  batch.compute_conformers(context_);
  EXPECT_EQ(batch.row(0).source, MOLRT_SOURCE_GIVEN);
  EXPECT_EQ(batch.smiles(0), "CO");
  EXPECT_EQ(batch.row(1).status, MOLRT_ROW_INVALID_MOL_BLOCK);
}

TEST_F(Hpp, Representations) {
  auto batch = new_batch(context_, {"CCO", "C1CC", "C"});
  const auto r = molrt::embed_atoms(context_, headed_, batch);
  EXPECT_EQ(r.atoms_offsets, (std::vector<size_t>{0, 9, 9, 14}));
  EXPECT_EQ(r.atoms.size(), 14 * r.width);
  EXPECT_TRUE(std::all_of(r.atoms.begin(), r.atoms.end(), [](float x) { return x == x; }));
  EXPECT_EQ(batch.model_atoms(2), (std::vector<int32_t>{0, -1, -1, -1, -1}));
  const auto cls_only = molrt::embed(context_, headed_, batch);
  EXPECT_EQ(cls_only.cls.back(), r.cls.back());
  EXPECT_TRUE(cls_only.atoms.empty());
}

TEST_F(Hpp, ModelsAreSavedAndReopened) {
  const std::string path = testing::TempDir() + "molrt_hpp.molrt";
  molrt::SaveOptions half;
  half.dtype = MOLRT_DTYPE_F16;
  headed_.save(context_, path, half);
  const auto again = molrt::Model::open(context_, path);
  EXPECT_EQ(again.target_names(), headed_.target_names());
  EXPECT_EQ(again.target_names().size(), static_cast<size_t>(again.info().outputs));
  EXPECT_TRUE(std::isnan(again.threshold()));
  EXPECT_EQ(status_of([&] { again.threshold(99); }), MOLRT_ERROR_INVALID_ARGUMENT);
  EXPECT_TRUE(again.supports_element("Cl"));
  EXPECT_FALSE(again.supports_element("Xx"));
  std::remove(path.c_str());
}

TEST_F(Hpp, SettingsOfEveryType) {
  molrt::Settings settings;
  settings.set("epochs", 7).set("lr", 0.25).set("solver", "ridge");
  EXPECT_EQ(settings.get_i64("epochs"), 7);
  EXPECT_EQ(settings.get_f64("lr"), 0.25);
  EXPECT_EQ(settings.get_text("solver"), "ridge");
  const auto table = molrt::Settings::table();
  EXPECT_EQ(table.size(), molrt_settings_count());
  EXPECT_TRUE(std::any_of(table.begin(), table.end(), [](const molrt::SettingInfo& s) {
    return s.name == std::string("epochs") && s.type == MOLRT_SETTING_I64;
  }));
}

TEST_F(Hpp, PreTrains) {
  auto settings = molrt::Settings::of_pretraining();
  settings.set("steps", 4).set("batch_size", 4).set("evaluate.every", 2).set("holdout", .2);
  const auto table = molrt::Settings::pretraining_table();
  EXPECT_EQ(table.size(), molrt_pretraining_settings_count());
  EXPECT_EQ(settings.get_i64("steps"), 4);
  const auto start = molrt::Model::untrained(context_, small_architecture());
  molrt::Pretraining pretraining(context_, start, {"gap"}, settings);
  pretraining.exclude("OCC");
  molrt::RunOptions run;
  std::vector<int32_t> stages;
  run.on_progress = [&](const molrt_progress& p) {
    if (stages.empty() || stages.back() != p.stage) stages.push_back(p.stage);
    return true;
  };
  const auto added = pretraining.add_archive(golden_path("geometries.npz"), run);
  EXPECT_EQ(added.used, 19u);
  EXPECT_EQ(added.excluded, 1u);
  auto batch = new_batch(context_, {"CCCO", "C1CC"});
  batch.compute_conformers(context_);
  EXPECT_EQ(pretraining.add(batch, {1, NAN}).used, 1u);
  EXPECT_EQ(pretraining.add(batch).unusable, 1u);
  EXPECT_EQ(status_of([&] { pretraining.add(batch, {1}); }, "labels"),
            MOLRT_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(status_of([&] { pretraining.model(); }), MOLRT_ERROR_STATE);
  pretraining.run(run);
  EXPECT_EQ(stages, (std::vector<int32_t>{MOLRT_STAGE_READING, MOLRT_STAGE_PRETRAINING}));
  EXPECT_EQ(pretraining.model().info().width, 16);
  EXPECT_NE(pretraining.report().find("\"name\":\"gap\""), std::string::npos);
  EXPECT_NE(pretraining.html().find("</html>"), std::string::npos);
}

TEST_F(Hpp, APreTrainingIsStopped) {
  const auto start = molrt::Model::untrained(context_, small_architecture());
  auto settings = molrt::Settings::of_pretraining();
  settings.set("batch_size", 4);
  molrt::Pretraining pretraining(context_, start, {}, settings);
  molrt::RunOptions stop;
  stop.on_progress = [](const molrt_progress&) { return false; };
  const std::string archive = golden_path("geometries.npz");
  EXPECT_EQ(status_of([&] { pretraining.add_archive(archive, stop); }), MOLRT_ERROR_CANCELLED);
  EXPECT_EQ(pretraining.add_archive(archive).used, 20u);
  stop.on_progress = [](const molrt_progress& p) { return p.step < 2; };
  EXPECT_EQ(status_of([&] { pretraining.run(stop); }), MOLRT_ERROR_CANCELLED);
  EXPECT_NE(pretraining.report().find("\"steps\":2"), std::string::npos) << pretraining.report();
  EXPECT_EQ(pretraining.model().info().layers, 2);
}

TEST_F(Hpp, AJobTrainsAModel) {
  const auto batch = new_batch(context_, good_smiles());
  std::vector<double> targets;
  for (size_t i = 0; i < 2 * batch.size(); ++i) targets.push_back(static_cast<double>(i % 5));
  molrt::Settings settings;
  settings.set("epochs", 3);
  molrt::Job job(context_, molrt::Model::untrained(context_, small_architecture()), batch, targets,
                 {"a", "b"}, settings);
  std::vector<int32_t> parts;
  for (size_t i = 0; i < batch.size(); ++i) parts.push_back(static_cast<int32_t>(i % 2));
  job.set_parts(parts);
  job.set_weights(std::vector<double>(batch.size(), 2));
  job.run();
  EXPECT_EQ(job.parts(), parts);
  EXPECT_EQ(job.model().target_names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(job.held_out().size(), targets.size());
  EXPECT_EQ(job.row(0).status, MOLRT_ROW_OK);
  EXPECT_EQ(job.row_message(0), "");
  EXPECT_EQ(job.report().front(), '{');
}

}  // namespace
}  // namespace molrt_hpp
