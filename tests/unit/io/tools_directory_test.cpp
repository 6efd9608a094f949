#include "io/tools_directory.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "io/model_file.h"
#include "io/tools_config.h"
#include "io/tools_scaler.h"
#include "support/expect_error.h"
#include "support/tools_folder.h"

namespace molrt {
namespace {

using test::golden_path;
using test::ToolsFolder;

Model open(const std::string& path, const OpenOptions& options = {},
           std::string* notices = nullptr) {
  return open_model(path, options, [&](int32_t, const std::string& text) {
    if (notices) *notices += text + "\n";
  });
}

TEST(ToolsDirectory, SaysWhatItIs) {
  const ToolsFolder folder("binary");
  const Model model = open(folder.path());
  const ModelCard& card = model.card();
  EXPECT_EQ(card.task, Task::binary);
  EXPECT_EQ(card.targets, std::vector<std::string>{"logS"});
  ASSERT_EQ(card.thresholds.size(), 1u);
  EXPECT_GT(card.thresholds[0], 0);
  EXPECT_LT(card.thresholds[0], 1);
  EXPECT_EQ(model.heads()[0].outputs, 2);
  const auto description = nlohmann::json::parse(describe_model(model));
  EXPECT_EQ(description["task"], "binary");
  EXPECT_EQ(description["thresholds"][0], card.thresholds[0]);
  EXPECT_EQ(description["provenance"]["config"]["metrics"], "auc");
  EXPECT_GT(model.bytes_read, 200'000u);
}

TEST(ToolsDirectory, OptionsWinOverTheSettings) {
  const ToolsFolder folder("none");
  OpenOptions options;
  options.layout = TokenLayout::file_order;
  options.hydrogens = Hydrogens::none;
  options.max_atoms = 7;
  const Model model = open(folder.path(), options);
  EXPECT_EQ(model.card().layout, TokenLayout::file_order);
  EXPECT_EQ(model.card().hydrogens, Hydrogens::none);
  EXPECT_EQ(model.card().max_atoms, 7);
}

TEST(ToolsDirectory, OlderVersionsHaveTheFilesOrder) {
  const ToolsFolder folder("none");
  folder.configure("pretrained_model_path", "");
  folder.configure("kfold", "");
  folder.configure("remove_hs", "remove_hs: true");
  const Model model = open(folder.path());
  EXPECT_EQ(model.card().layout, TokenLayout::file_order);
  EXPECT_EQ(model.card().hydrogens, Hydrogens::none);
  EXPECT_EQ(model.card().folds(), 2);
}

TEST(ToolsDirectory, OfAFoldOnlyItsWeightsAreRead) {
  const ToolsFolder folder("none");
  folder.write("model_0.pth", "not read");
  OpenOptions options;
  options.fold = 1;
  EXPECT_EQ(open(folder.path(), options).card().folds(), 1);
  for (const int none : {-1, 2}) {
    options.fold = none;
    EXPECT_ERROR(open(folder.path(), options), MOLRT_ERROR_INVALID_ARGUMENT, "has 2 folds");
  }
}

TEST(ToolsDirectory, EveryFileIsMissedByName) {
  for (const char* name : {"config.yaml", "model_0.pth", "model_1.pth", "target_scaler.ss"}) {
    const ToolsFolder folder("standard");
    folder.remove(name);
    EXPECT_ERROR(open(folder.path()), MOLRT_ERROR_IO, name);
  }
  const ToolsFolder folder("binary");
  folder.remove("threshold.dat");
  std::string notices;
  EXPECT_TRUE(open(folder.path(), {}, &notices).card().thresholds.empty());
  EXPECT_NE(notices.find("threshold.dat"), std::string::npos);
}

TEST(ToolsDirectory, FoldsMustAgree) {
  const ToolsFolder folder("none");
  folder.configure("kfold", "kfold: 3");
  EXPECT_ERROR(open(folder.path()), MOLRT_ERROR_IO, "model_2.pth");
  folder.configure("kfold", "kfold: 1");
  std::string notices;  // another training's
  EXPECT_EQ(open(folder.path(), {}, &notices).card().folds(), 1);
  EXPECT_NE(notices.find("model_1.pth: is not read"), std::string::npos);
  folder.configure("kfold", "kfold: 2");
  const ToolsFolder pooled("robust"), three("multi");
  folder.write("model_1.pth", pooled.read("model_1.pth"));
  EXPECT_ERROR(open(folder.path()), MOLRT_ERROR_FORMAT, "model_1.pth");
  folder.write("model_1.pth", three.read("model_1.pth"));
  EXPECT_ERROR(open(folder.path()), MOLRT_ERROR_FORMAT, "has 3 rows");
}

TEST(ToolsDirectory, TheHeadMustFitTheTask) {
  const ToolsFolder folder("none");
  folder.configure("task", "task: classification");
  EXPECT_ERROR(open(folder.path()), MOLRT_ERROR_FORMAT, "'task' classification");
  folder.configure("task", "task: multiclass");
  folder.configure("multiclass_cnt", "multiclass_cnt: 4");
  EXPECT_ERROR(open(folder.path()), MOLRT_ERROR_FORMAT, "'multiclass_cnt' 4");
  folder.configure("data_type", "data_type: oled");
  EXPECT_ERROR(open(folder.path()), MOLRT_ERROR_FORMAT, "'data_type'");
}

TEST(ToolsDirectory, AScalerOfOtherTargetsIsRefused) {
  const ToolsFolder one("standard"), three("multi");
  one.write("target_scaler.ss", three.read("target_scaler.ss"));
  EXPECT_ERROR(open(one.path()), MOLRT_ERROR_FORMAT, "a list of 3 scalers");
  three.write("target_scaler.ss", ToolsFolder("standard").read("target_scaler.ss"));
  EXPECT_ERROR(open(three.path()), MOLRT_ERROR_FORMAT, "'mean_' of StandardScaler");
}

TEST(ToolsDirectory, AScalerOfAnotherKindIsNoticed) {
  const ToolsFolder folder("standard");
  std::string notices;
  folder.configure("target_normalize", "target_normalize: log1p");
  open(folder.path(), {}, &notices);
  EXPECT_NE(notices.find("holds a linear scaler"), std::string::npos) << notices;
}

TEST(ToolsDirectory, AScalerIsUsedWhereNothingIsSaidOfIt) {
  const ToolsFolder folder("standard");
  const auto said = open(folder.path()).card().scalers;
  folder.configure("target_normalize", "");
  EXPECT_EQ(open(folder.path()).card().scalers, said);
  folder.remove("target_scaler.ss");
  EXPECT_EQ(open(folder.path()).card().scalers[0][0], TargetScaler{});
}

TEST(ToolsDirectory, TheOtherTasks) {
  const ToolsFolder folder("multi");
  folder.remove("target_scaler.ss");
  folder.configure("task", "task: multilabel_classification");
  EXPECT_EQ(open(folder.path()).card().task, Task::multilabel);
  folder.configure("task", "task: multiclass");
  folder.configure("num_classes", "num_classes: 1");
  folder.configure("target_cols", "target_cols: colour");
  const Model model = open(folder.path());
  EXPECT_EQ(model.card().task, Task::multiclass);
  EXPECT_EQ(model.card().targets, (std::vector<std::string>{"colour_0", "colour_1", "colour_2"}));
  save_model(model, folder.file("m.molrt"), std::nullopt);
  EXPECT_EQ(open(folder.file("m.molrt")).card().task, Task::multiclass);
}

TEST(ToolsDirectory, OfRealUsersWithoutWeights) {
  for (const char* name : {"UnimolHLsave_INPUT", "Unimolsave"})
    EXPECT_ERROR(open(golden_path("tools_saved_real/") + name), MOLRT_ERROR_IO, "model_0.pth");
  const auto source =
      ByteSource::open_file(golden_path("tools_saved_real/Unimolsave/mob/target_scaler.ss"));
  EXPECT_ERROR(read_tools_scalers(*source, 19), MOLRT_ERROR_FORMAT, "expected one for each of 19");
}

// ---- config.yaml

const std::string good = "task: regression\ntarget_cols: y\nkfold: 2\n";

TEST(ToolsConfig, ReadsWhatYamlDumps) {
  const auto config = parse_tools_config(
      "# comment\nkfold: 3\nremove_hs: true\ntask: multilabel_regression\nnum_classes: 3\n"
      "target_cols: 'a b,c: d,''e'''\ntarget_normalize: auto\nfreeze_layers:\n- encoder\n- gbf\n"
      "seen: {a: [1, 2], b: {c: d}}\npretrained_model_path: null\nmax_atoms: 300\n",
      "c");
  EXPECT_EQ(config.task, Task::regression);
  EXPECT_EQ(config.targets, (std::vector<std::string>{"a b", "c: d", "'e'"}));
  EXPECT_EQ(config.folds, 3);
  EXPECT_EQ(config.max_atoms, 300);
  EXPECT_TRUE(config.scaled);
  EXPECT_EQ(config.hydrogens, Hydrogens::none);
  EXPECT_EQ(config.layout, TokenLayout::specials_first);
  EXPECT_EQ(
      parse_tools_config("task: classification\ntarget_cols: y\nsplit_method: 5fold_random\n", "c")
          .folds,
      5);
}

TEST(ToolsConfig, RefusesByKey) {
  const struct {
    const char *lines, *key;
    int32_t status;
  } cases[] = {
      {"model_name: unimolv2\n", "'model_name'", MOLRT_ERROR_UNSUPPORTED},
      {"data_type: protein\n", "'data_type'", MOLRT_ERROR_UNSUPPORTED},
      {"data_type: [molecule]\n", "'data_type' is a list", MOLRT_ERROR_FORMAT},
      {"target_normalize: normalizer\n", "'target_normalize'", MOLRT_ERROR_UNSUPPORTED},
      {"num_classes: 2\n", "'num_classes'", MOLRT_ERROR_FORMAT},
      {"remove_hs: perhaps\n", "'remove_hs'", MOLRT_ERROR_FORMAT},
      {"max_atoms: 0\n", "'max_atoms'", MOLRT_ERROR_FORMAT},
      {"max_atoms: 1e3\n", "'max_atoms'", MOLRT_ERROR_FORMAT},
      {"kfold: 4\n", "\"kfold\" is there twice", MOLRT_ERROR_FORMAT},
      {"? [a]\n: b\n", "a key that is no text", MOLRT_ERROR_FORMAT},
      {"a: 'open\n", "line", MOLRT_ERROR_FORMAT},
      {"--- \na: b\n", "expected one mapping", MOLRT_ERROR_FORMAT},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.lines);
    EXPECT_ERROR(parse_tools_config(good + c.lines, "c"), c.status, c.key);
  }
  EXPECT_ERROR(parse_tools_config("task: repr\ntarget_cols: y\nkfold: 2", "c"),
               MOLRT_ERROR_UNSUPPORTED, "'task' is \"repr\"");
  EXPECT_ERROR(parse_tools_config("target_cols: y\nkfold: 2", "c"), MOLRT_ERROR_FORMAT,
               "'task' is missing");
  EXPECT_ERROR(parse_tools_config("task: regression\ntarget_cols: y,z\nkfold: 2", "c"),
               MOLRT_ERROR_FORMAT, "'target_cols'");
  EXPECT_ERROR(parse_tools_config("task: regression\ntarget_cols: y\nkfold: 0", "c"),
               MOLRT_ERROR_FORMAT, "'kfold'");
  EXPECT_ERROR(parse_tools_config("task: regression\ntarget_cols: y\n", "c"), MOLRT_ERROR_FORMAT,
               "'split_method' is missing");
  EXPECT_ERROR(parse_tools_config("", "c"), MOLRT_ERROR_FORMAT, "c: ");
  EXPECT_ERROR(parse_tools_config("- a", "c"), MOLRT_ERROR_FORMAT, "expected one mapping");
  EXPECT_ERROR(parse_tools_config("a: " + std::string(2000, '['), "c"), MOLRT_ERROR_FORMAT,
               "too deeply");
}

}  // namespace
}  // namespace molrt
