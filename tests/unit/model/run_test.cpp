// A molecule's bytes, whatever else runs: threads on passes of their own or on one together, few
// molecules or many, CLS alone or all rows (src/model/run.h).
#include "model/run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "chem/conformer.h"
#include "support/small_job.h"

namespace molrt {
namespace {

using Rows = std::vector<std::vector<float>>;  // of each molecule

class Runs : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (!why_not(GetParam()).empty()) GTEST_SKIP() << why_not(GetParam());
    for (size_t i = 0; i < 12; ++i)
      for (const std::string& text : {test::smiles[2 * i], std::string(3 + i, 'C') + "O"}) {
        const auto made = make_conformer(text, {});
        ASSERT_EQ(made.status, MOLRT_ROW_OK);
        features_.push_back(
            make_features(made.conformer, base_->dictionary(), base_->feature_options()));
      }
  }

  Rows run(size_t first, size_t count, int threads, Encoder::Rows rows, int batch_size = 0) const {
    std::vector<const Features*> molecules;
    for (size_t i = first; i < first + count; ++i) molecules.push_back(&features_[i]);
    Rows found(count);
    EncoderRun run;
    run.threads = threads;
    run.batch_size = batch_size;
    run.precision = GetParam();
    run.rows = rows;
    const size_t width = base_->card().architecture.width;
    run.consume = [&](size_t m, size_t, const float* values) {
      const size_t count = rows == Encoder::Rows::cls ? 1 : molecules[m]->length();
      found[m].assign(values, values + count * width);
    };
    run_encoder(*base_, molecules, run);
    return found;
  }

  std::shared_ptr<const Model> base_ = [] {
    const Architecture a{PairKernel::gaussian,
                         3,
                         272,
                         300,
                         34,
                         official_architecture(PairKernel::gaussian).vocabulary};
    return std::make_shared<Model>(initialise_model(a, Hydrogens::all, TokenLayout::file_order, 7));
  }();
  std::vector<Features> features_;
};

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST_P(Runs, GiveTheSameBytesWhateverTheThreadsAndBatches) {
  const Rows all = run(0, features_.size(), 1, Encoder::Rows::all);
  for (const int threads : {1, 2, 5, 40})
    for (const int batch_size : {0, 1, 3})
      EXPECT_EQ(run(0, features_.size(), threads, Encoder::Rows::all, batch_size), all);
  for (size_t m = 0; m < all.size(); ++m)
    for (const int threads : {1, 3, 16})
      EXPECT_TRUE(same(run(m, 1, threads, Encoder::Rows::all)[0], all[m])) << m << ' ' << threads;
}

TEST_P(Runs, GiveTheSameClsAlone) {
  const Rows all = run(0, features_.size(), 1, Encoder::Rows::all);
  const size_t width = base_->card().architecture.width;
  for (const int threads : {1, 2, 16}) {
    const Rows cls = run(0, features_.size(), threads, Encoder::Rows::cls);
    for (size_t m = 0; m < all.size(); ++m)
      EXPECT_TRUE(same(cls[m], {all[m].begin(), all[m].begin() + width})) << m;
    EXPECT_TRUE(same(run(3, 1, threads, Encoder::Rows::cls)[0], cls[3]));
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, Runs,
                         testing::Values(Precision::f32, Precision::split, Precision::bf16),
                         [](const auto& info) { return precision_name(info.param); });

// Errors by the deviation of CLS over the molecules.
TEST(Precisions, AreAsExactAsTheyShouldBe) {
  if (!has_bf16()) GTEST_SKIP() << why_not(Precision::bf16);
  const Architecture a{PairKernel::gaussian,
                       6,
                       256,
                       1024,
                       32,
                       official_architecture(PairKernel::gaussian).vocabulary};
  const Model base = initialise_model(a, Hydrogens::all, TokenLayout::file_order, 7);
  std::vector<Features> features;
  for (const auto& text : test::smiles)
    features.push_back(make_features(make_conformer(text, {}).conformer, base.dictionary(),
                                     base.feature_options()));
  std::vector<const Features*> molecules;
  for (const Features& f : features) molecules.push_back(&f);
  const auto cls_of = [&](Precision precision) {
    std::vector<float> cls(molecules.size() * 256);
    EncoderRun run;
    run.precision = precision;
    run.rows = Encoder::Rows::cls;
    run.consume = [&](size_t m, size_t, const float* row) {
      std::copy_n(row, 256, cls.data() + m * 256);
    };
    run_encoder(base, molecules, run);
    return cls;
  };
  const std::vector<float> exact = cls_of(Precision::f32);
  double deviation = 0;
  for (size_t k = 0; k < 256; ++k) {
    double mean = 0;
    for (size_t m = 0; m < molecules.size(); ++m) mean += exact[m * 256 + k] / molecules.size();
    for (size_t m = 0; m < molecules.size(); ++m)
      deviation += (exact[m * 256 + k] - mean) * (exact[m * 256 + k] - mean);
  }
  const auto error = [&](Precision precision) {
    const std::vector<float> cls = cls_of(precision);
    double squares = 0;
    for (size_t i = 0; i < cls.size(); ++i) squares += (cls[i] - exact[i]) * (cls[i] - exact[i]);
    return std::sqrt(squares / deviation);
  };
  EXPECT_LT(error(Precision::split), 1e-4);
  EXPECT_LT(error(Precision::bf16), .1);
  EXPECT_GT(error(Precision::bf16), 1e-3);
}

}  // namespace
}  // namespace molrt
