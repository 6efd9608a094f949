// Frozen layers that are computed once: the same bytes as computing them each time, whatever there
// is room for, and the same way back.
#include "train/frozen_layers.h"

#include <gtest/gtest.h>

#include "chem/conformer.h"
#include "model/initialise.h"
#include "support/oracle.h"

namespace molrt {
namespace {

constexpr size_t plenty = size_t{1} << 30;
const std::vector<std::vector<size_t>> batches = {{2, 0}, {0, 1, 2, 3}, {3}, {1, 3, 0}};

class FrozenLayersTest : public testing::TestWithParam<int> {
 protected:
  FrozenLayersTest()
      : architecture_{PairKernel::gaussian,
                      3,
                      24,
                      30,
                      3,
                      official_architecture(PairKernel::gaussian).vocabulary},
        model_(initialise_model(architecture_, Hydrogens::all, TokenLayout::file_order, 3)) {
    for (const char* smiles : {"CO", "NC(Cl)=O", "O=S", "CCO"})
      molecules_.push_back(make_features(make_conformer(smiles, {}).conformer, model_.dictionary(),
                                         model_.feature_options()));
  }

  struct Net {
    Net(const FrozenLayersTest& test, int frozen)
        : parameters(test::perturbed(test.model_.tensors(), .1), "test"),
          encoder(test.architecture_, parameters) {
      encoder.set_frozen_layers(frozen);
    }
    Parameters parameters;
    TrainableEncoder encoder;
  };

  // Representations of a batch, and then all gradients.
  std::vector<float> pass(Net& net, const std::vector<size_t>& batch, FrozenLayers* frozen) {
    std::vector<const Features*> molecules;
    std::vector<uint32_t> ids;
    for (const size_t number : batch) {
      molecules.push_back(&molecules_[number]);
      ids.push_back(static_cast<uint32_t>(number));
    }
    EncoderNoise noise{.1, .1, .1, .1, {5, 9}, random_purpose(Purpose::train), ids};
    noise.quiet_layers = GetParam();
    if (GetParam() == 0) noise.embedding = 0;
    EXPECT_TRUE(noise.is_quiet_below(GetParam()));
    EXPECT_FALSE(noise.is_quiet_below(GetParam() + 1));
    const float* rows = frozen ? frozen->forward(net.encoder, team_, molecules, batch, noise)
                               : net.encoder.forward(team_, molecules, noise);
    std::vector<float> result(rows, rows + net.encoder.tokens() * architecture_.width);
    std::vector<float> d_rows(padded_rows(net.encoder.tokens()) * architecture_.width, 0.f);
    std::fill_n(d_rows.begin(), result.size(), .5f);
    net.parameters.clear_gradients();
    net.encoder.backward(team_, noise, d_rows.data());
    result.insert(result.end(), net.parameters.gradients().begin(),
                  net.parameters.gradients().end());
    return result;
  }

  Architecture architecture_;
  Model model_;
  std::vector<Features> molecules_;
  Team team_{2};
};

TEST_P(FrozenLayersTest, GiveTheSameBytesWhateverTheRoom) {
  for (const size_t room : {size_t{0}, size_t{4000}, plenty}) {
    Net plain(*this, GetParam()), kept(*this, GetParam());
    FrozenLayers frozen(room);
    for (const auto& batch : batches)
      EXPECT_EQ(pass(plain, batch, nullptr), pass(kept, batch, &frozen)) << room;
    EXPECT_EQ(frozen.kept() > 0, room > 0);
    EXPECT_EQ(frozen.kept() == 4, room == plenty);
  }
}

TEST_P(FrozenLayersTest, AreComputedOnce) {
  Net net(*this, GetParam());
  FrozenLayers frozen(plenty);
  const auto first = pass(net, {0, 1, 2, 3}, &frozen);
  const auto embedding =
      net.parameters.get("embed_tokens.weight", {architecture_.vocabulary, architecture_.width});
  std::fill(embedding.value.begin(), embedding.value.end(), 0.f);  // nobody looks any more
  EXPECT_EQ(pass(net, {0, 1, 2, 3}, &frozen), first);
}

INSTANTIATE_TEST_SUITE_P(Layers, FrozenLayersTest, testing::Values(0, 1, 2, 3));

}  // namespace
}  // namespace molrt
