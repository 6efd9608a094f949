// The encoder in training: the same bytes as at prediction without dropout (P0), the oracle's masks
// at every site, gradients by finite differences with frozen masks (P2), and the same bytes
// whatever the threads and neighbours (P5).
#include "model/trainable_encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "chem/conformer.h"
#include "model/initialise.h"
#include "support/npz.h"
#include "support/oracle.h"

namespace molrt {
namespace {

constexpr PhiloxKey key = {5, 9};
const uint32_t train_purpose = random_purpose(Purpose::train);

struct Net {
  Architecture architecture;
  Model model;
  std::vector<Features> molecules;
  std::vector<uint32_t> ids;

  explicit Net(PairKernel kernel)
      : architecture{kernel, 2, 24, 30, 3, official_architecture(kernel).vocabulary},
        model(make_model(architecture)) {
    for (const char* smiles : {"CO", "NC(Cl)=O", "O=S"}) {
      molecules.push_back(make_features(make_conformer(smiles, {}).conformer, model.dictionary(),
                                        model.feature_options()));
      ids.push_back(100 + static_cast<uint32_t>(ids.size()));
    }
  }

  static Model make_model(const Architecture& a) {
    const Model untrained = initialise_model(a, Hydrogens::all, TokenLayout::file_order, 3);
    return Model(untrained.card(), test::perturbed(untrained.tensors(), .1), "perturbed");
  }
  EncoderNoise noise(double embedding, double attention, double activation, double residual) const {
    return {embedding, attention, activation, residual, key, train_purpose, ids};
  }
  std::vector<const Features*> batch() const {
    std::vector<const Features*> list;
    for (const Features& f : molecules) list.push_back(&f);
    return list;
  }
};

std::vector<float> forward(const Net& net, TrainableEncoder& encoder, Team& team,
                           const EncoderNoise& noise) {
  const float* rows = encoder.forward(team, net.batch(), noise);
  return {rows, rows + encoder.tokens() * net.architecture.width};
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class TrainableEncoders : public testing::TestWithParam<PairKernel> {};

TEST_P(TrainableEncoders, WithoutDropoutGiveThePredictionsBytes) {
  const Net net(GetParam());
  Parameters parameters(net.model.tensors(), "test");
  TrainableEncoder encoder(net.architecture, parameters);
  Team team(2);
  Workspace workspace;
  const auto training = forward(net, encoder, team, net.noise(0, 0, 0, 0));
  const float* rows = net.model.encoder().forward(net.batch(), workspace);
  EXPECT_TRUE(same_bytes(training, {rows, rows + training.size()}));
}

TEST_P(TrainableEncoders, DropWhatTheOracleDrops) {
  const Net net(GetParam());
  Parameters parameters(net.model.tensors(), "test");
  TrainableEncoder encoder(net.architecture, parameters);
  Team team(2);
  const auto weights = test::oracle_weights(net.model.tensors());
  for (const EncoderNoise& noise :
       {net.noise(.3, 0, 0, 0), net.noise(0, .3, 0, 0), net.noise(0, 0, .3, 0),
        net.noise(0, 0, 0, .3), net.noise(1, 0, 0, 0), net.noise(.1, .2, .3, .4)}) {
    const auto rows = forward(net, encoder, team, noise);
    for (size_t m = 0; m < net.molecules.size(); ++m) {
      EncoderNoise own = noise;
      own.molecules = own.molecules.subspan(m);
      const auto oracle =
          test::oracle_representation(net.architecture, weights, net.molecules[m], own);
      const float* first = rows.data() + encoder.first_token(m) * net.architecture.width;
      EXPECT_LE(
          test::relative_error({first, first + oracle.size()}, {oracle.begin(), oracle.end()}),
          1e-5);
    }
  }
}

// loss = sum of every output times a fixed number.
double weight_of_output(size_t i) { return std::sin(1.0 + static_cast<double>(i)); }

double oracle_loss(const Net& net, const test::OracleWeights& weights, const EncoderNoise& noise) {
  double loss = 0;
  size_t i = 0;
  for (size_t m = 0; m < net.molecules.size(); ++m) {
    EncoderNoise own = noise;
    own.molecules = own.molecules.subspan(m);
    for (const double y :
         test::oracle_representation(net.architecture, weights, net.molecules[m], own))
      loss += y * weight_of_output(i++);
  }
  return loss;
}

void run_backward(const Net& net, TrainableEncoder& encoder, Team& team,
                  const EncoderNoise& noise) {
  const size_t outputs = forward(net, encoder, team, noise).size();
  std::vector<float> d_rows(padded_rows(encoder.tokens()) * net.architecture.width, 0.0f);
  for (size_t i = 0; i < outputs; ++i) d_rows[i] = static_cast<float>(weight_of_output(i));
  encoder.backward(team, noise, d_rows.data());
}

TEST_P(TrainableEncoders, GradientsMatchFiniteDifferencesAtEverySite) {
  const Net net(GetParam());
  auto weights = test::oracle_weights(net.model.tensors());
  Team team(2);
  for (const EncoderNoise& noise :
       {net.noise(.3, 0, 0, 0), net.noise(0, .3, 0, 0), net.noise(0, 0, .3, 0),
        net.noise(0, 0, 0, .3), net.noise(.1, .2, .3, .4)}) {
    Parameters parameters(net.model.tensors(), "test");
    TrainableEncoder encoder(net.architecture, parameters);
    run_backward(net, encoder, team, noise);
    uint32_t tensor = 0;
    for (const auto& entry : parameters.entries()) {
      double largest = 0;
      for (const float g : entry.data.gradient) largest = std::max<double>(largest, std::fabs(g));
      ++tensor;
      for (uint32_t k = 0; k < 2; ++k) {
        const size_t i = random_u32({1, 1}, tensor, k, 0, 0) % entry.data.value.size();
        constexpr double step = 1e-4;
        double& weight = weights[entry.name][i];
        const double before = weight;
        weight = before + step;
        const double up = oracle_loss(net, weights, noise);
        weight = before - step;
        const double difference = (up - oracle_loss(net, weights, noise)) / (2 * step);
        weight = before;
        EXPECT_NEAR(entry.data.gradient[i], difference, 2e-4 * largest + 2e-5)
            << entry.name << " element " << i;
      }
    }
  }
}

TEST_P(TrainableEncoders, GiveTheSameBytesWhateverTheThreads) {
  const Net net(GetParam());
  const EncoderNoise noise = net.noise(.1, .2, .3, .4);
  std::vector<std::vector<float>> gradients;
  for (const int threads : {1, 2, 5}) {
    Parameters parameters(net.model.tensors(), "test");
    TrainableEncoder encoder(net.architecture, parameters);
    Team team(threads);
    run_backward(net, encoder, team, noise);
    gradients.emplace_back(parameters.gradients().begin(), parameters.gradients().end());
  }
  EXPECT_TRUE(same_bytes(gradients[0], gradients[1]));
  EXPECT_TRUE(same_bytes(gradients[0], gradients[2]));
}

TEST_P(TrainableEncoders, GiveAMoleculeTheSameBytesWhateverItsNeighbours) {
  const Net net(GetParam());
  Parameters parameters(net.model.tensors(), "test");
  TrainableEncoder encoder(net.architecture, parameters);
  Team team(2);
  const EncoderNoise noise = net.noise(.1, .2, .3, .4);
  const auto together = forward(net, encoder, team, noise);
  const size_t first = encoder.first_token(1) * net.architecture.width;
  EncoderNoise own = noise;
  own.molecules = own.molecules.subspan(1, 1);
  const Features* const alone[] = {&net.molecules[1]};
  const float* rows = encoder.forward(team, alone, own);
  const size_t count = encoder.tokens() * net.architecture.width;
  EXPECT_TRUE(
      same_bytes({rows, rows + count}, {together.begin() + static_cast<ptrdiff_t>(first),
                                        together.begin() + static_cast<ptrdiff_t>(first + count)}));
}

INSTANTIATE_TEST_SUITE_P(Kernels, TrainableEncoders,
                         testing::Values(PairKernel::gaussian, PairKernel::linear),
                         [](const auto& info) { return std::string(kernel_name(info.param)); });

}  // namespace
}  // namespace molrt
