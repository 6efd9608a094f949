// The whole network's gradients and ten training steps against the peer's: gradients 1e-4 a tensor,
// and 1e-6 absolute where the gradient is zero in theory; losses 1e-5, norms 1e-4, final parameters
// 5 % of the peak learning rate (golden README).
#include <gtest/gtest.h>

#include <cmath>

#include "model/trainable_encoder.h"
#include "support/golden.h"
#include "train/loss.h"
#include "train/optimiser.h"

namespace molrt {
namespace {

using test::golden_path;
using test::load_npz;
using test::Npz;

struct Case {
  const char* weights;
  const char* forward;
  const char* gradient;
  const char* training;
};

class Gradient : public testing::TestWithParam<Case> {};

std::vector<Features> chosen_molecules(const Npz& forward, const Npz& golden, const Model& model) {
  const std::vector<Features> all = test::golden_features(forward, model);
  std::vector<Features> chosen;
  for (const int64_t m : golden.at("molecule_index").integers()) chosen.push_back(all.at(m));
  return chosen;
}

bool is_zero_in_theory(const std::string& name) { return name == "gbf_proj.linear2.bias"; }

void expect_close(const Parameters::Entry& entry, const Npz& golden) {
  const auto found = golden.find("grad/" + entry.name);
  if (found == golden.end()) return;
  std::vector<float> gradient(entry.data.gradient.begin(), entry.data.gradient.end());
  std::vector<float> expected = found->second.floats();
  if (is_zero_in_theory(entry.name)) {
    for (const float g : gradient) EXPECT_NEAR(g, 0, 1e-6) << entry.name;
    return;
  }
  EXPECT_LE(test::relative_error(gradient, expected), 1e-4) << entry.name;
}

// The golden molecules' network in training, without dropout.
class Network {
 public:
  Network(const Case& c, const char* golden_file)
      : model_(test::open_golden(c.weights)),
        golden_(load_npz(golden_path(golden_file))),
        features_(chosen_molecules(load_npz(golden_path(c.forward)), golden_, model_)),
        targets_(golden_.at("target").floats()),
        ids_(features_.size()),
        width_(model_.card().architecture.width),
        head_(model_.heads().front()),
        head_gradient_(make_head(head_.kind, head_.width, head_.outputs)),
        parameters_(model_.tensors(), "test"),
        encoder_(model_.card().architecture, parameters_),
        molecules_(test::pointers(features_)) {}

  // Leaves the gradients behind.
  double loss() {
    parameters_.clear_gradients();
    for (const auto& tensor : parameters(head_gradient_))
      std::fill(tensor.begin(), tensor.end(), 0.f);
    const float* rows = encoder_.forward(team_, molecules_, {});
    std::vector<float> cls;
    for (size_t m = 0; m < molecules_.size(); ++m) {
      const float* row = rows + encoder_.first_token(m) * width_;
      cls.insert(cls.end(), row, row + width_);
    }
    const HeadDropout no_dropout{0, 0, 0, ids_};
    HeadActivations activations;
    std::vector<float> outputs(targets_.size()), d_outputs(targets_.size()), d_cls(cls.size());
    head_forward_training(head_, cls.data(), no_dropout, activations, outputs.data());
    const LossSum loss = evaluate_loss(
        {}, {targets_.size(), 1, 1, outputs.data(), targets_.data(), nullptr}, d_outputs.data());
    head_backward(head_, no_dropout, activations, d_outputs.data(), head_gradient_, d_cls.data());
    std::vector<float> d_rows(padded_rows(encoder_.tokens()) * width_, 0.0f);
    for (size_t m = 0; m < molecules_.size(); ++m)
      std::copy_n(d_cls.data() + m * width_, width_,
                  d_rows.data() + encoder_.first_token(m) * width_);
    encoder_.backward(team_, {}, d_rows.data());
    return loss.mean();
  }

  // Name, value and gradient of everything that is trained.
  std::vector<Parameters::Entry> entries() {
    std::vector<Parameters::Entry> all;
    for (const auto& e : parameters_.entries())
      if (!e.name.starts_with("classification_head.")) all.push_back(e);
    const auto values = parameters(head_), gradients = parameters(head_gradient_);
    const char* names[] = {"dense.weight", "dense.bias", "out_proj.weight", "out_proj.bias"};
    for (size_t i = 0; i < values.size(); ++i)
      all.push_back(
          {std::string("classification_head.") + names[i], {}, {values[i], gradients[i]}});
    return all;
  }
  const Npz& golden() const { return golden_; }

 private:
  Model model_;
  Npz golden_;
  std::vector<Features> features_;
  std::vector<float> targets_;
  std::vector<uint32_t> ids_;
  size_t width_;
  Head head_, head_gradient_;
  Parameters parameters_;
  TrainableEncoder encoder_;
  Team team_{2};
  std::vector<const Features*> molecules_;
};

TEST_P(Gradient, MatchesThePeer) {
  Network network(GetParam(), GetParam().gradient);
  const double expected = network.golden().at("loss").numbers.at(0);
  EXPECT_NEAR(network.loss(), expected, 1e-5 * std::abs(expected));
  for (const auto& entry : network.entries()) expect_close(entry, network.golden());
}

TEST_P(Gradient, TenStepsMatchThePeer) {
  if (!GetParam().training) GTEST_SKIP() << "no golden training";
  Network network(GetParam(), GetParam().training);
  const Npz& golden = network.golden();
  std::vector<TrainedTensor> tensors;
  for (const auto& e : network.entries())
    tensors.push_back({e.name, e.data.value, e.data.gradient});
  Adam adam(.9, .999, 1e-6, tensors);
  for (size_t step = 0; step < 10; ++step) {
    const double loss = golden.at("loss").numbers[step];
    EXPECT_NEAR(network.loss(), loss, 1e-5 * loss) << "step " << step;
    const double norm = golden.at("gradient_norm").numbers[step];
    EXPECT_NEAR(clip_gradients(tensors, 5, 2), norm, 1e-4 * norm) << "step " << step;
    const double rate =
        learning_rate(1e-3, step, {.batch_size = 6, .batches = 1, .total = 10, .warmup = 3});
    EXPECT_NEAR(rate, golden.at("learning_rate").numbers[step], 1e-12);
    adam.step(tensors, rate, 2);
  }
  for (const auto& e : network.entries()) {
    const auto found = golden.find("final/" + e.name);
    if (found == golden.end()) continue;
    const auto expected = found->second.floats();
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(e.data.value[i], expected[i], .05 * 1e-3) << e.name << " element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Golden, Gradient,
    testing::Values(Case{"molecule_linear.pth", "molecule_linear_forward.npz",
                         "molecule_linear_gradient.npz", "molecule_linear_training.npz"},
                    Case{"molecule_pooler.pth", "molecule_pooler_forward.npz",
                         "molecule_pooler_gradient.npz", "molecule_pooler_training.npz"},
                    Case{"molecule_odd.pth", "molecule_odd_given_forward.npz",
                         "molecule_odd_gradient.npz", nullptr},
                    Case{"oled_linear.pth", "oled_linear_forward.npz", "oled_linear_gradient.npz",
                         "oled_linear_training.npz"}));

}  // namespace
}  // namespace molrt
