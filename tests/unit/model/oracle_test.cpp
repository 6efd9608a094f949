// Networks of other sizes than the golden ones, the official ones among them, against the naive
// double-precision oracle.
#include "support/oracle.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"
#include "chem/conformer.h"
#include "model/initialise.h"
#include "support/npz.h"

namespace molrt {
namespace {

struct Size {
  PairKernel kernel;
  int layers, width, ffn, heads;
};

class OracleSizes : public testing::TestWithParam<Size> {};

TEST_P(OracleSizes, RepresentationMatchesTheOracle) {
  const Size size = GetParam();
  Architecture a = official_architecture(size.kernel);
  a.layers = size.layers;
  a.width = size.width;
  a.ffn = size.ffn;
  a.heads = size.heads;
  const Model untrained = initialise_model(a, Hydrogens::all, TokenLayout::file_order, 3);
  const Model model(untrained.card(), test::perturbed(untrained.tensors(), .03), "perturbed");
  const auto conformer = make_conformer("C[N+](C)(C)CC(=O)[O-]", {});
  const Features molecule =
      make_features(conformer.conformer, model.dictionary(), model.feature_options());
  ASSERT_EQ(molecule.status, MOLRT_ROW_OK);
  Team team(1);
  const Features* const batch[] = {&molecule};
  const float* rows = model.encoder().forward(team, batch, Encoder::Rows::all);
  const auto oracle =
      test::oracle_representation(a, test::oracle_weights(model.tensors()), molecule);
  EXPECT_LE(test::relative_error({rows, rows + oracle.size()}, {oracle.begin(), oracle.end()}),
            1e-5);
}

INSTANTIATE_TEST_SUITE_P(Sizes, OracleSizes,
                         testing::Values(Size{PairKernel::gaussian, 1, 8, 8, 1},
                                         Size{PairKernel::gaussian, 2, 66, 50, 22},
                                         Size{PairKernel::gaussian, 3, 320, 640, 4},
                                         Size{PairKernel::linear, 2, 96, 384, 3},
                                         Size{PairKernel::linear, 3, 7, 13, 7},
                                         Size{PairKernel::gaussian, 15, 512, 2048, 64},
                                         Size{PairKernel::linear, 8, 512, 2048, 64}),
                         [](const auto& info) {
                           const Size& s = info.param;
                           return std::string(kernel_name(s.kernel)) + "_" +
                                  std::to_string(s.layers) + "x" + std::to_string(s.width) + "x" +
                                  std::to_string(s.ffn) + "x" + std::to_string(s.heads);
                         });

}  // namespace
}  // namespace molrt
