// Rows from MOL blocks, several conformers, canonical SMILES, through molrt.h.
#include "support.h"

namespace molrt::abi {
namespace {

const char* const structure =
    "methanol\n\n\n  2  1  0  0  0  0            999 V2000\n"
    "    0.0000    0.0000    0.0000 C   0  0\n    0.0000    1.4000    0.1000 O   0  0\n"
    "  1  2  1  0\nM  END\n> <property>\nignored\n\n$$$$\n";

class BatchTest : public testing::Test {
 protected:
  Batch batch_with(int32_t count, int32_t flat, int32_t canonical) {
    auto options = initialised(molrt_conformer_options_init);
    options.count = count;
    options.flat = flat;
    options.canonical = canonical;
    molrt_batch* made = nullptr;
    must(molrt_batch_create(context_.get(), &options, &made));
    return Batch(made);
  }

  static molrt_row row(const Batch& batch, size_t index) {
    auto row = initialised(molrt_row_init);
    must(molrt_batch_get_row(batch.get(), index, &row));
    return row;
  }

  static std::string smiles(const Batch& batch, size_t row) {
    char text[64];
    size_t needed = 0;
    must(molrt_batch_get_smiles(batch.get(), row, text, sizeof text, &needed));
    EXPECT_EQ(needed, std::string(text).size() + 1);
    return text;
  }

  Context context_ = new_context(2);
  Model model_ = small_model(context_.get());
};

TEST_F(BatchTest, MolBlocksAreRows) {
  const Batch batch = batch_with(1, 0, 0);
  for (const char* block : {structure, "rubbish", static_cast<const char*>(nullptr)})
    must(molrt_batch_add_mol_block(batch.get(), block));
  const std::vector<float> cls = cls_of(context_.get(), model_.get(), batch.get());
  EXPECT_EQ(row(batch, 0).status, MOLRT_ROW_OK);
  EXPECT_EQ(row(batch, 0).source, MOLRT_SOURCE_GIVEN);
  EXPECT_EQ(row(batch, 0).flags, MOLRT_FLAG_HYDROGENS_ADDED);
  EXPECT_EQ(row(batch, 0).conformers, 1);
  EXPECT_EQ(row(batch, 1).status, MOLRT_ROW_INVALID_MOL_BLOCK);
  EXPECT_STREQ(molrt_row_status_name(MOLRT_ROW_INVALID_MOL_BLOCK), "invalid_mol_block");
  EXPECT_EQ(row(batch, 2).status, MOLRT_ROW_EMPTY);
  EXPECT_EQ(cls[0], cls[0]);
  EXPECT_NE(cls[16], cls[16]);  // NaN
  EXPECT_EQ(smiles(batch, 0), "CO");
  char record[4096];
  size_t needed = 0;
  must(molrt_batch_get_sdf(batch.get(), 0, 0, "again", record, sizeof record, &needed));
  EXPECT_NE(std::string(record).find("\n  6  5  0"), std::string::npos) << record;
}

TEST_F(BatchTest, ConformersAreNumbered) {
  const Batch batch = batch_with(3, 1, 0);
  must(molrt_batch_add_smiles(batch.get(), "CCO"));
  must(molrt_batch_add_mol_block(batch.get(), structure));
  must(molrt_batch_compute_conformers(context_.get(), batch.get(), nullptr));
  EXPECT_EQ(row(batch, 0).conformers, 3);
  EXPECT_EQ(row(batch, 0).source, MOLRT_SOURCE_ETKDG_MMFF);
  EXPECT_EQ(row(batch, 1).conformers, 1);
  float flat[27];
  must(molrt_batch_get_conformer(batch.get(), 0, 2, nullptr, flat, nullptr, 9));
  for (size_t z = 2; z < 27; z += 3) EXPECT_EQ(flat[z], 0);
  EXPECT_EQ(molrt_batch_get_conformer(batch.get(), 0, 3, nullptr, flat, nullptr, 9),
            MOLRT_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(molrt_batch_get_conformer(batch.get(), 1, 1, nullptr, flat, nullptr, 9),
            MOLRT_ERROR_INVALID_ARGUMENT);
}

TEST_F(BatchTest, CanonicalRowsAreOneMolecule) {
  const Batch batch = batch_with(2, 0, 1);
  for (const char* text : {"OCC", "CCO"}) must(molrt_batch_add_smiles(batch.get(), text));
  EXPECT_EQ(smiles(batch, 0), "CCO");
  const std::vector<float> cls = cls_of(context_.get(), model_.get(), batch.get());
  EXPECT_TRUE(std::equal(cls.begin(), cls.begin() + 16, cls.begin() + 16));
  int32_t index[9];
  must(molrt_batch_get_model_atoms(batch.get(), 0, index, 9));
  EXPECT_EQ(std::vector<int32_t>(index, index + 4), (std::vector<int32_t>{2, 1, 0, -1}));
  EXPECT_EQ(smiles(batch, 0), "CCO");
}

TEST_F(BatchTest, TrainingTakesSixtyFourConformers) {
  const Batch batch = batch_with(65, 0, 0);
  must(molrt_batch_add_smiles(batch.get(), "CCO"));
  const double target = 1;
  molrt_job* job = nullptr;
  EXPECT_EQ(molrt_job_create(context_.get(), model_.get(), batch.get(), &target, 1, nullptr,
                             nullptr, &job),
            MOLRT_ERROR_UNSUPPORTED);
  EXPECT_NE(std::string(molrt_last_error()).find("64 conformers"), std::string::npos);
  EXPECT_EQ(job, nullptr);
}

}  // namespace
}  // namespace molrt::abi
