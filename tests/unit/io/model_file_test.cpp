#include "io/model_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "io/safetensors.h"
#include "model/initialise.h"
#include "support/expect_error.h"
#include "support/npz.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;

class ModelFile : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }

  Model open(const std::string& file, const OpenOptions& options = {}) {
    notices_.clear();
    return open_model(*ByteSource::open_file(file), options,
                      [this](int32_t, const std::string& text) { notices_ += text + "\n"; });
  }

  std::string write(const std::string& name, const TensorMap& tensors,
                    const std::map<std::string, std::string>& metadata = {}) {
    AtomicFile file(path(name));
    write_safetensors(file, tensors, metadata);
    file.commit();
    return path(name);
  }

  TensorMap golden() { return open(test::golden_path("molecule_pooler.pth")).tensors(); }

  std::map<std::string, std::string> metadata(const std::string& file) {
    return read_safetensors(*ByteSource::open_file(file)).metadata;
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("molrt-model-file-" + std::to_string(getpid()));
  std::string notices_;
};

TEST_F(ModelFile, EveryWrappingOfTheSameWeightsIsTheSameModel) {
  const auto reference = open(test::golden_path("molecule_linear.pth"));
  for (const char* name : {"bare", "torch2", "legacy"}) {
    const auto other = open(test::golden_path(fmt::format("molecule_linear_{}.pth", name)));
    for (const auto& [tensor, value] : reference.tensors())
      EXPECT_EQ(to_f32(value), to_f32(other.tensors().at(tensor))) << name << " " << tensor;
  }
}

TEST_F(ModelFile, TheContainerKeepsEverything) {
  OpenOptions options;
  options.layout = TokenLayout::specials_first;
  options.hydrogens = Hydrogens::none;
  options.max_atoms = 77;
  const Model model = open(test::golden_path("oled_linear.pth"), options);
  save_model(model, path("m.molrt"), std::nullopt);
  const Model again = open(path("m.molrt"));
  EXPECT_EQ(notices_, "");
  EXPECT_EQ(describe_model(model), describe_model(again));
  for (const auto& [name, tensor] : model.tensors())
    EXPECT_EQ(to_f32(tensor), to_f32(again.tensors().at(name))) << name;
}

// A head with all that is known of errors.
Model model_with_errors(const Model& raw) {
  ModelCard card = raw.card();
  card.units = {"kcal/mol", "µM", ""};
  Uncertainty& u = card.uncertainty;
  u.noise = {.1, .2, .3, .4, .5, 1, 12345678901234567u};
  u.samples = 50;
  u.mode = PredictMode::mc;
  u.kind = Calibrated::conformal;
  u.deterministic = {{0, .5, 3, {.1, .2, 3}}, {}, {}};
  u.mc = {{2, 1. / 3, 3, {0, 0, 1e-300}}, {1, 1, 1, {7}}, {}};
  return raw.with_heads(card, raw.heads());
}

TEST_F(ModelFile, TheContainerKeepsUnitsDropoutAndCalibration) {
  const Model model = model_with_errors(open(test::golden_path("molecule_pooler.pth")));
  save_model(model, path("m.molrt"), std::nullopt);
  const ModelCard again = open(path("m.molrt")).card();
  EXPECT_EQ(again.units, model.card().units);
  EXPECT_EQ(describe_model(open(path("m.molrt"))), describe_model(model));
  EXPECT_EQ(again.uncertainty.noise.seed, 12345678901234567u);
  EXPECT_EQ(again.uncertainty.mc[0].b, 1. / 3);
  EXPECT_EQ(again.uncertainty.mc[0].scores, model.card().uncertainty.mc[0].scores);
}

TEST_F(ModelFile, ABrokenCalibrationIsRefused) {
  const Model model = model_with_errors(open(test::golden_path("molecule_pooler.pth")));
  save_model(model, path("m.molrt"), std::nullopt);
  const auto good = metadata(path("m.molrt"));
  const auto refuse = [&](const char* key, const std::string& was, const std::string& is,
                          const char* said) {
    auto bad = good;
    const size_t at = bad.at(key).find(was);
    ASSERT_NE(at, std::string::npos) << was << " in " << bad.at(key);
    bad.at(key).replace(at, was.size(), is);
    EXPECT_ERROR(open(write("bad.molrt", model.tensors(), bad)), MOLRT_ERROR_FORMAT, said);
  };
  refuse("uncertainty", "\"pooler\":0.5", "\"pooler\":1.5", "dropout rate");
  refuse("uncertainty", "\"pooler\":0.5", "\"pooler\":\"x\"", "pooler");
  refuse("uncertainty", "\"quiet_layers\":1", "\"quiet_layers\":100",
         "more layers without dropout");
  refuse("uncertainty", "\"samples\":50", "\"samples\":1", "samples");
  refuse("uncertainty", "\"mode\":\"mc\"", "\"mode\":\"no\"", "'det' or 'mc'");
  refuse("uncertainty", "\"b\":0.5", "\"b\":-0.5", "calibration");
  refuse("uncertainty", "[0.1,0.2,3.0]", "[0.1,0.3,0.2]", "calibration");
  refuse("uncertainty", "[0.1,0.2,3.0]", "[]", "calibration");
  refuse("uncertainty", "[0.1,0.2,3.0]", "{}", "scores");
  refuse("uncertainty", "\"kind\":\"conformal\"", "\"kind\":\"none\"", "calibration");
  refuse("uncertainty", "{", "", "not JSON");
  refuse("units", "[\"kcal/mol\",", "[", "units");
  refuse("units", "\"kcal/mol\"", "7", "units");
  auto older = good;
  older.erase("units");
  older.erase("uncertainty");
  EXPECT_FALSE(open(write("old.molrt", model.tensors(), older)).card().uncertainty.noise.any());
}

TEST_F(ModelFile, OneFoldHasNoVarianceBetweenFolds) {
  const Model raw = open(test::golden_path("molecule_pooler.pth"));
  const Model one = model_with_errors(raw);
  for (const bool between : {false, true}) {
    ModelCard card = one.card();
    card.scalers.push_back(card.scalers[0]);
    card.uncertainty.between = between;
    auto heads = raw.heads();
    heads.push_back(heads[0]);
    heads[1].out_bias[0] += 1;
    save_model(raw.with_heads(card, heads), path("two.molrt"), std::nullopt);
    OpenOptions options;
    options.fold = 1;
    EXPECT_EQ(open(path("two.molrt"), options).card().uncertainty.mc.empty(), between);
  }
}

TEST_F(ModelFile, WhatRawWeightsDoNotSayIsAssumedAloud) {
  EXPECT_EQ(open(test::golden_path("molecule_linear.pth")).card().hydrogens, Hydrogens::all);
  EXPECT_NE(notices_.find("hydrogens"), std::string::npos);
  EXPECT_NE(notices_.find("file order"), std::string::npos);
  EXPECT_NE(notices_.find("raw outputs"), std::string::npos);
  EXPECT_EQ(open(test::golden_path("oled_linear.pth")).card().hydrogens, Hydrogens::none);
  fs::copy(test::golden_path("molecule_linear.pth"), path("mol_pre_no_h_220816.pt"));
  EXPECT_EQ(open(path("mol_pre_no_h_220816.pt")).card().hydrogens, Hydrogens::none);
}

TEST_F(ModelFile, AGapInTheLayersIsAMissingTensor) {
  TensorMap tensors = golden();
  std::erase_if(tensors, [](const auto& t) { return t.first.starts_with("encoder.layers.1."); });
  const auto file = write("gap.safetensors", tensors);
  EXPECT_ERROR(open(file), MOLRT_ERROR_FORMAT, "'encoder.layers.1.");
}

TEST_F(ModelFile, AHeadThatLacksATensorIsNoModelWithoutAHead) {
  TensorMap tensors = golden();
  tensors.erase("classification_head.out_proj.weight");
  const auto file = write("head.safetensors", tensors);
  EXPECT_ERROR(open(file), MOLRT_ERROR_FORMAT, "'classification_head.out_proj.weight' is missing");
}

TEST_F(ModelFile, EveryTensorsAbsenceAndShapeAndNumbersAreNoticed) {
  const TensorMap whole = golden();
  for (const auto& [name, tensor] : whole) {
    // Without these two the weights are another, smaller model, which is said elsewhere.
    if (name.starts_with("classification_head.dense.")) continue;
    TensorMap broken = whole;
    broken.erase(name);
    EXPECT_THROW(open(write("t.safetensors", broken)), Error) << name << " missing";
    broken[name] = make_tensor({1, 1, 1}, {0});
    EXPECT_THROW(open(write("t.safetensors", broken)), Error) << name << " of another shape";
    auto values = to_f32(tensor);
    values.back() = NAN;
    broken[name] = make_tensor(tensor.shape, values);
    const auto file = write("t.safetensors", broken);
    EXPECT_ERROR(open(file), MOLRT_ERROR_FORMAT, name);
  }
}

// A head that reads a column, a descriptor and 16 Morgan counts beside CLS.
Model model_with_inputs(const Model& base) {
  ModelCard card = base.card();
  card.task = Task::regression;
  card.head = HeadKind::pooled;
  card.targets = {"y"};
  card.scalers = {{TargetScaler{}}, {TargetScaler{}}};
  card.inputs.columns = {"pH"};
  card.inputs.descriptors = {{"tpsa"}, 1, 16};
  card.inputs.rdkit = "1900.01.1";
  card.inputs.scalers.assign(2, {std::vector<double>(18, .1), std::vector<double>(18, 1. / 3)});
  std::vector<Head> heads;
  for (uint32_t fold = 0; fold < 2; ++fold)
    heads.push_back(
        initialised_head(HeadKind::pooled, card.head_width(), 1, 7, fold, card.architecture.width));
  return base.with_heads(card, heads);
}

TEST_F(ModelFile, WhatTheHeadReadsBesideClsIsKept) {
  const Model model = model_with_inputs(open(test::golden_path("molecule_pooler.pth")));
  save_model(model, path("m.molrt"), std::nullopt);
  const Model again = open(path("m.molrt"));
  EXPECT_NE(notices_.find("RDKit 1900.01.1"), std::string::npos) << notices_;
  EXPECT_EQ(again.card().inputs.scalers, model.card().inputs.scalers);
  EXPECT_EQ(describe_model(again), describe_model(model));
  const int width = model.card().architecture.width;
  OpenOptions one_fold;
  one_fold.fold = 1;
  EXPECT_EQ(again.heads()[1].dense_weight, model.heads()[1].dense_weight);
  EXPECT_EQ(again.heads()[1].width, width + 18);
  EXPECT_EQ(again.heads()[1].hidden, width);
  EXPECT_EQ(open(path("m.molrt"), one_fold).card().inputs.scalers.size(), 1u);
}

TEST_F(ModelFile, InputsAreChecked) {
  save_model(model_with_inputs(open(test::golden_path("molecule_pooler.pth"))), path("m.molrt"),
             std::nullopt);
  const auto good = metadata(path("m.molrt"));
  const TensorMap tensors = open(path("m.molrt")).tensors();
  const auto with = [&](const std::string& from, const std::string& to) {
    auto changed = good;
    std::string& inputs = changed["inputs"];
    EXPECT_NE(inputs.find(from), std::string::npos) << from;
    inputs.replace(inputs.find(from), from.size(), to);
    return write("t.molrt", tensors, changed);
  };
  const auto refused = [&](const std::string& file, const char* part) {
    EXPECT_ERROR(open(file), MOLRT_ERROR_FORMAT, part);
  };
  refused(with("\"tpsa\"", "\"tpsb\""), "tpsb");
  refused(with("\"tpsa\"", "\"tpsa\",\"amw\""), "19");
  refused(with("\"morgan_bits\":16", "\"morgan_bits\":17"), "19");
  refused(with("\"morgan_bits\":16", "\"morgan_bits\":-1"), "morgan_bits");
  refused(with("\"morgan_radius\":1", "\"morgan_radius\":99"), "morgan_radius");
  refused(with("\"factor\":[", "\"factor\":[1,"), "18");
  refused(with("\"mean\"", "\"mode\""), "mean");
  refused(with("\"columns\":[\"pH\"]", "\"columns\":7"), "columns");
  auto none = good;
  none.erase("inputs");
  refused(write("t.molrt", tensors, none), "classification_head");
}

TEST_F(ModelFile, MetadataIsChecked) {
  save_model(open(test::golden_path("molecule_pooler.pth")), path("m.molrt"), std::nullopt);
  const auto good = metadata(path("m.molrt"));
  const TensorMap tensors = golden();
  const auto refused = [&](const std::string& key, const std::string& value) {
    auto bad = good;
    bad[key] = value;
    const auto file = write("bad.molrt", tensors, bad);
    EXPECT_THROW(open(file), Error) << key << " = " << value.substr(0, 80);
  };
  for (const auto& [key, value] : good) {
    if (key == "format") continue;                         // without it the file is bare weights
    if (key == "units" || key == "uncertainty") continue;  // older files lack them
    auto bad = good;
    bad.erase(key);
    const auto file = write("bad.molrt", tensors, bad);
    EXPECT_ERROR(open(file), MOLRT_ERROR_FORMAT, key);
  }
  refused("format_version", "2");
  refused("settings", std::string(400000, '['));
  refused("settings", std::string(400, '[') + std::string(400, ']'));
  refused("configuration", "{}");
  refused("configuration", "[]");
  refused("targets", "[1]");
  refused("targets", "[]");
  refused("scalers", "[]");
  const std::string good_scaler = R"({"kind":"linear","mean":0,"scale":1})";
  const auto scalers = [&](const std::string& third) {
    return fmt::format("[[{0},{0},{1}]]", good_scaler, third);
  };
  EXPECT_NO_THROW(open(write("good.molrt", tensors, [&] {
    auto same = good;
    same["scalers"] = scalers(good_scaler);
    return same;
  }())));
  refused("scalers", "[[" + good_scaler + "]]");
  for (const char* bad :
       {R"({"kind":"linear","mean":0,"scale":0})", R"({"kind":"linear","mean":0})",
        R"({"kind":"alchemy"})", R"({"mean":0,"scale":1})",
        R"({"kind":"box_cox","mean":0,"scale":1})",
        R"({"kind":"quantile","output":"uniform","quantiles":[1,0],"references":[0,1]})",
        R"({"kind":"quantile","output":"uniform","quantiles":[1],"references":[0,1]})",
        R"({"kind":"quantile","output":"square","quantiles":[1],"references":[0]})"})
    refused("scalers", scalers(bad));
  refused("thresholds", "[0.5]");
  refused("task", "binary");
  refused("task", "alchemy");
  refused("dictionary", "[PAD]\n");
  for (const char* layers : {"2", "4", "2.5", "1e300", "-1", "\"3\""}) {
    std::string configuration = good.at("configuration");
    configuration.replace(configuration.find("\"layers\":3"), 10,
                          fmt::format("\"layers\":{}", layers));
    refused("configuration", configuration);
  }
}

TEST_F(ModelFile, AWeightThatOverflowsTheSmallerTypeIsRefused) {
  TensorMap tensors = golden();
  auto values = to_f32(tensors.at("encoder.layers.0.fc1.weight"));
  values[3] = 70000;
  tensors["encoder.layers.0.fc1.weight"] =
      make_tensor(tensors.at("encoder.layers.0.fc1.weight").shape, values);
  const Model model = open(write("big.safetensors", tensors));
  EXPECT_ERROR(save_model(model, path("f16.molrt"), Dtype::f16), MOLRT_ERROR_UNSUPPORTED,
               "'encoder.layers.0.fc1.weight': 70000");
  EXPECT_FALSE(fs::exists(path("f16.molrt")));
  save_model(model, path("bf16.molrt"), Dtype::bf16);
  EXPECT_EQ(open(path("bf16.molrt")).tensors().at("embed_tokens.weight").dtype, Dtype::bf16);
}

TEST_F(ModelFile, OtherVocabulariesFindTheirDictionaryBesideTheFileOnly) {
  TensorMap tensors = golden();
  const auto grow = [&](const char* name, int64_t rows, int64_t columns) {
    tensors[name] = make_tensor({rows, columns}, std::vector<float>(rows * columns, .5f));
  };
  grow("embed_tokens.weight", 8, 64);
  grow("gbf.mul.weight", 64, 1);
  grow("gbf.bias.weight", 64, 1);
  const auto file = write("other.safetensors", tensors);
  EXPECT_ERROR(open(file), MOLRT_ERROR_FORMAT, "no dictionary of 7 symbols");
  std::ofstream(path("pocket.dict.txt")) << "[PAD]\n[CLS]\n[SEP]\n[UNK]\nC\nN\nO\n";
  EXPECT_EQ(open(file).dictionary().size(), 8);
  std::ofstream(path("dict.txt")) << "[PAD]\n[CLS]\n[SEP]\n[UNK]\nC\nN\nS\n";
  EXPECT_ERROR(open(file), MOLRT_ERROR_FORMAT, "more than one");
  OpenOptions options;
  options.dictionary_path = path("dict.txt");
  EXPECT_EQ(open(file, options).dictionary().symbols()[6], "S");

  auto bytes = ByteSource::open_file(file);
  auto memory = ByteSource::copy_memory(bytes->read(0, bytes->size(), "file"), "memory");
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  EXPECT_ERROR(open_model(*memory, {}, [](int32_t, const std::string&) {}), MOLRT_ERROR_FORMAT,
               "option dictionary");
  fs::current_path(before);
}

}  // namespace
}  // namespace molrt
