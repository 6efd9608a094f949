// Columns, descriptors and Morgan counts beside the representation, and several conformers in
// training, through molrt.h.
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "support.h"

namespace molrt::abi {
namespace {

const std::vector<std::string> smiles = {"CCO",  "CCCCO", "c1ccccc1", "CC(=O)O", "CCN",  "CCCC",
                                         "CC#N", "CCCl",  "CC(C)C",   "OCCO",    "CCCO", "C1CCCC1"};
constexpr size_t rows = 12;

class InputsTest : public testing::Test {
 protected:
  Batch batch(int32_t count = 1) {
    auto options = initialised(molrt_conformer_options_init);
    options.count = count;
    molrt_batch* made = nullptr;
    must(molrt_batch_create(context_.get(), &options, &made));
    Batch batch(made);
    for (const auto& text : smiles) must(molrt_batch_add_smiles(made, text.c_str()));
    return batch;
  }

  // pH and temperature; the temperature is missing in the last row.
  static void set_columns(const Batch& batch, std::vector<const char*> names = {"pH", "T"}) {
    std::vector<double> values;
    for (size_t i = 0; i < rows; ++i) {
      for (const std::string name : names) {
        const double t = i + 1 == rows ? NAN : 300. + static_cast<double>(i * i);
        values.push_back(name == "pH" ? 7 - .25 * static_cast<double>(i) : name == "T" ? t : 9);
      }
    }
    must(molrt_batch_set_columns(batch.get(), names.data(), values.data(), rows, names.size()));
  }

  Model train(const Batch& batch, const char* inputs, bool ridge = false) {
    molrt_settings* made = nullptr;
    must(molrt_settings_create(&made));
    const Settings settings(made);
    must(molrt_settings_set_text(made, "inputs", inputs));
    if (std::string(inputs).find("morgan") != std::string::npos)
      must(molrt_settings_set_i64(made, "morgan.bits", 32));
    must(molrt_settings_set_i64(made, "folds", 3));
    if (ridge) must(molrt_settings_set_text(made, "solver", "ridge"));
    if (!ridge) must(molrt_settings_set_i64(made, "epochs", 20));
    double targets[rows];
    for (size_t i = 0; i < rows; ++i) targets[i] = std::sin(static_cast<double>(i));
    molrt_job* job = nullptr;
    must(molrt_job_create(context_.get(), model_.get(), batch.get(), targets, 1, nullptr, made,
                          &job));
    job_.reset(job);
    must(molrt_job_run(job, nullptr));
    held_out_.resize(rows);
    must(molrt_job_get_held_out(job, held_out_.data(), rows));
    molrt_model* trained = nullptr;
    must(molrt_job_get_model(job, &trained));
    return Model(trained);
  }

  // Each row by the fold that did not see it: one of the folds' models gives the held-out bytes.
  void expect_held_out(const Model& trained, const Batch& batch) {
    const std::string path = testing::TempDir() + "inputs.molrt";
    must(molrt_model_save(context_.get(), trained.get(), path.c_str(), nullptr));
    std::vector<std::vector<float>> folds;
    for (int32_t fold = 0; fold < 3; ++fold) {
      auto options = initialised(molrt_open_options_init);
      options.fold = fold;
      molrt_model* opened = nullptr;
      must(molrt_model_open(context_.get(), path.c_str(), &options, &opened));
      folds.push_back(predictions_of(context_.get(), Model(opened).get(), batch.get()));
    }
    std::filesystem::remove(path);
    for (size_t row = 0; row < rows; ++row) {
      EXPECT_TRUE(std::isfinite(held_out_[row]));
      EXPECT_TRUE(held_out_[row] == folds[0][row] || held_out_[row] == folds[1][row] ||
                  held_out_[row] == folds[2][row])
          << row;
      EXPECT_NE(folds[0][row], folds[1][row]);
    }
  }

  uint32_t flags(const Batch& batch, size_t index) {
    auto row = initialised(molrt_row_init);
    must(molrt_batch_get_row(batch.get(), index, &row));
    return row.flags;
  }

  Context context_ = new_context(2);
  Model model_ = small_model(context_.get());
  Job job_;
  std::vector<float> held_out_;
};

TEST_F(InputsTest, StoredModelsGiveTheHeldOutBytes) {
  for (const bool ridge : {false, true}) {
    const Batch table = batch();
    set_columns(table);
    const Model trained = train(table, "cls+rdkit+morgan", ridge);
    expect_held_out(trained, table);
    EXPECT_EQ(info_of(trained.get()).inputs, 2 + 189 + 32);
    EXPECT_STREQ(molrt_model_column_name(trained.get(), 0), "pH");
    EXPECT_STREQ(molrt_model_column_name(trained.get(), 1), "T");
    EXPECT_EQ(molrt_model_column_name(trained.get(), 2), nullptr);
    EXPECT_EQ(flags(table, 0) & MOLRT_FLAG_INPUT_MISSING, 0u);
    EXPECT_NE(flags(table, rows - 1) & MOLRT_FLAG_INPUT_MISSING, 0u);
  }
}

TEST_F(InputsTest, SeveralConformersGiveTheHeldOutBytes) {
  for (const bool ridge : {false, true}) {
    const Batch table = batch(4);
    const Model trained = train(table, "cls+rdkit", ridge);
    expect_held_out(trained, table);
  }
  auto options = initialised(molrt_conformer_options_init);
  options.count = 65;
  molrt_batch* made = nullptr;
  must(molrt_batch_create(context_.get(), &options, &made));
  const Batch many(made);
  must(molrt_batch_add_smiles(made, "CC"));
  const double target = 1;
  molrt_job* job = nullptr;
  EXPECT_EQ(
      molrt_job_create(context_.get(), model_.get(), made, &target, 1, nullptr, nullptr, &job),
      MOLRT_ERROR_UNSUPPORTED);
  EXPECT_NE(std::string(molrt_last_error()).find("64"), std::string::npos) << molrt_last_error();
}

TEST_F(InputsTest, ColumnsAreFoundByName) {
  const Batch table = batch();
  set_columns(table);
  const Model trained = train(table, "cls");
  const auto expected = predictions_of(context_.get(), trained.get(), table.get());
  set_columns(table, {"unrelated", "T", "pH"});
  EXPECT_EQ(predictions_of(context_.get(), trained.get(), table.get()), expected);
  set_columns(table, {"T"});
  std::vector<float> mean(rows);
  EXPECT_EQ(molrt_predict(context_.get(), trained.get(), table.get(), nullptr, mean.data(), nullptr,
                          rows),
            MOLRT_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(molrt_last_error()).find("\"pH\" is not given"), std::string::npos)
      << molrt_last_error();
  set_columns(table);
  must(molrt_batch_add_smiles(table.get(), "CC"));
  mean.push_back(0);
  EXPECT_EQ(molrt_predict(context_.get(), trained.get(), table.get(), nullptr, mean.data(), nullptr,
                          rows + 1),
            MOLRT_ERROR_STATE);
}

// The same molecule with other columns is another answer; with the same ones it is the same.
TEST_F(InputsTest, RowsOfOneMoleculeHaveTheirOwnColumns) {
  const Batch table = batch();
  set_columns(table);
  const Model trained = train(table, "cls+rdkit");
  const Batch same = new_batch(context_.get(), {"CCO", "CCO", "CCO", "OCC"});
  const char* names[] = {"pH", "T"};
  const double values[] = {7, 300, 3, 400, 7, 300, 7, 300};
  must(molrt_batch_set_columns(same.get(), names, values, 4, 2));
  const auto p = predictions_of(context_.get(), trained.get(), same.get());
  EXPECT_EQ(p[0], p[2]);
  EXPECT_NE(p[0], p[1]);
}

TEST_F(InputsTest, AtomsWithoutBondsHaveNoDescriptors) {
  const Batch table = batch();
  const Model trained = train(table, "cls+rdkit");
  const Batch mixed = new_batch(context_.get(), {"CCO"});
  const char* symbols[] = {"C", "O"};
  const double points[] = {0, 0, 0, 0, 0, 1.4};
  must(molrt_batch_add_atoms(mixed.get(), symbols, points, 2));
  const auto p = predictions_of(context_.get(), trained.get(), mixed.get());
  EXPECT_TRUE(std::isfinite(p[0]));
  EXPECT_TRUE(std::isnan(p[1]));
  auto row = initialised(molrt_row_init);
  must(molrt_batch_get_row(mixed.get(), 1, &row));
  EXPECT_EQ(row.status, MOLRT_ROW_NO_DESCRIPTORS);
  EXPECT_STREQ(molrt_row_status_name(row.status), "no_descriptors");
  EXPECT_NE(std::string(molrt_batch_row_message(mixed.get(), 1)).find("without bonds"),
            std::string::npos);
}

TEST_F(InputsTest, TheModelTellsWhatItReads) {
  const Batch table = batch();
  set_columns(table);
  const Model trained = train(table, "cls+morgan");
  size_t needed = 0;
  must(molrt_model_describe(trained.get(), nullptr, 0, &needed));
  std::string text(needed, '\0');
  must(molrt_model_describe(trained.get(), text.data(), needed, &needed));
  text.pop_back();
  const auto inputs = nlohmann::json::parse(text)["inputs"];
  EXPECT_EQ(inputs["columns"], nlohmann::json({"pH", "T"}));
  EXPECT_EQ(inputs["morgan_bits"], 32);
  EXPECT_EQ(inputs["scalers"].size(), 3u);
  EXPECT_EQ(inputs["scalers"][0]["mean"].size(), 34u);
  EXPECT_NE(inputs["rdkit"], "");
}

}  // namespace
}  // namespace molrt::abi
