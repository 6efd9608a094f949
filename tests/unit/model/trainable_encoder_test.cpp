// The encoder in training: the same bytes as at prediction without dropout (P0), the oracle's masks
// and AD-DROP's at every site, gradients by finite differences with frozen masks (P2, A12), and the
// same bytes whatever the threads and neighbours (P5).
#include "model/trainable_encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "support/npz.h"
#include "support/small_encoder.h"

namespace molrt {
namespace {

using test::Net;

std::vector<float> forward(const Net& net, TrainableEncoder& encoder, Team& team,
                           const EncoderNoise& noise) {
  const float* rows = encoder.forward(team, net.batch(), noise);
  return {rows, rows + encoder.tokens() * net.architecture.width};
}

EncoderNoise without_keys(EncoderNoise noise, const DroppedKeys& dropped) {
  noise.dropped_keys = &dropped;
  return noise;
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class TrainableEncoders : public testing::TestWithParam<PairKernel> {};

TEST_P(TrainableEncoders, WithoutDropoutGiveThePredictionsBytes) {
  const Net net(GetParam());
  Parameters parameters(net.model.tensors(), "test");
  TrainableEncoder encoder(net.architecture, parameters);
  for (const Precision precision : {Precision::f32, Precision::split, Precision::bf16}) {
    if (!why_not(precision).empty()) continue;
    Team team(2, precision);
    const auto training = forward(net, encoder, team, net.noise(0, 0, 0, 0));
    const float* rows = net.model.encoder().forward(team, net.batch(), Encoder::Rows::all);
    EXPECT_TRUE(same_bytes(training, {rows, rows + training.size()})) << precision_name(precision);
  }
}

TEST_P(TrainableEncoders, DropWhatTheOracleDrops) {
  const Net net(GetParam());
  Parameters parameters(net.model.tensors(), "test");
  TrainableEncoder encoder(net.architecture, parameters);
  Team team(2);
  const auto weights = test::oracle_weights(net.model.tensors());
  const DroppedKeys dropped = test::random_dropped_keys(net, .4);
  for (const EncoderNoise& noise :
       {net.noise(.3, 0, 0, 0), net.noise(0, .3, 0, 0), net.noise(0, 0, .3, 0),
        net.noise(0, 0, 0, .3), net.noise(1, 0, 0, 0), net.noise(.1, .2, .3, .4),
        without_keys(net.noise(0, 0, 0, 0), dropped),
        without_keys(net.noise(.1, .2, .3, .4), dropped)}) {
    const auto rows = forward(net, encoder, team, noise);
    for (size_t m = 0; m < net.molecules.size(); ++m) {
      const test::MoleculeNoise own(noise, m);
      const auto oracle =
          test::oracle_representation(net.architecture, weights, net.molecules[m], own.get());
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
    const test::MoleculeNoise own(noise, m);
    for (const double y :
         test::oracle_representation(net.architecture, weights, net.molecules[m], own.get()))
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
  const DroppedKeys dropped = test::random_dropped_keys(net, .4);
  Team team(2);
  for (const EncoderNoise& noise :
       {net.noise(.3, 0, 0, 0), net.noise(0, .3, 0, 0), net.noise(0, 0, .3, 0),
        net.noise(0, 0, 0, .3), net.noise(.1, .2, .3, .4),

        without_keys(net.noise(.1, .2, .3, .4), dropped)}) {
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

std::vector<float> gradients(const Net& net, const EncoderNoise& noise) {
  Parameters parameters(net.model.tensors(), "test");
  TrainableEncoder encoder(net.architecture, parameters);
  Team team(2);
  run_backward(net, encoder, team, noise);
  return {parameters.gradients().begin(), parameters.gradients().end()};
}

TEST_P(TrainableEncoders, GiveTheSameBytesWithMasksThatDropNoKey) {
  const Net net(GetParam());
  DroppedKeys none = test::random_dropped_keys(net, 0);
  const EncoderNoise noise = net.noise(.1, .2, .3, .4);
  const auto without = gradients(net, noise);
  EXPECT_TRUE(same_bytes(without, gradients(net, without_keys(noise, none))));
  none.layers[0].clear();  // nothing said of a layer, a molecule or the last layers
  none.layers[1][1].clear();
  EXPECT_TRUE(same_bytes(without, gradients(net, without_keys(noise, none))));
  none.layers.clear();
  EXPECT_TRUE(same_bytes(without, gradients(net, without_keys(noise, none))));
}

// A5: what a layer hands on as the next one's pair bias knows nothing of its dropped keys.
TEST_P(TrainableEncoders, HandOnTheLogitsOfDroppedKeysToo) {
  const Net net(GetParam());
  Parameters parameters(net.model.tensors(), "test");
  TrainableEncoder encoder(net.architecture, parameters);
  encoder.set_frozen_layers(1);
  Team team(2);
  const DroppedKeys dropped = test::random_dropped_keys(net, .4);
  const EncoderNoise noise = net.noise(.1, .2, .3, .4);
  const auto plain = encoder.forward_frozen(team, net.batch(), noise);
  const auto masked = encoder.forward_frozen(team, net.batch(), without_keys(noise, dropped));
  for (size_t m = 0; m < plain.size(); ++m) {
    EXPECT_TRUE(same_bytes(plain[m].pairs, masked[m].pairs));
    EXPECT_FALSE(same_bytes(plain[m].tokens, masked[m].tokens));
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, TrainableEncoders,
                         testing::Values(PairKernel::gaussian, PairKernel::linear),
                         [](const auto& info) { return std::string(kernel_name(info.param)); });

}  // namespace
}  // namespace molrt
