// MC dropout: MC1 without dropout, MC2 and MC5 the variance of one and of two sites, MC3 the same
// bytes whatever the threads, batches and order; means of nonlinear scalers, and entropies.
#include "model/mc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "model/batch.h"
#include "model/initialise.h"
#include "support/expect_error.h"
#include "support/oracle.h"
#include "train/scaling.h"

namespace molrt {
namespace {

double normal(uint32_t stream, size_t i) {
  return random_normal(random_key(3, 0), stream, 0, 0, i);
}

Head some_head(HeadKind kind, int width) {
  Head head = make_head(kind, width, 1);
  uint32_t stream = 10;
  for (const auto& part : parameters(head)) {
    ++stream;
    for (size_t i = 0; i < part.size(); ++i)
      part[i] = static_cast<float>(normal(stream, i) / std::sqrt(width));
  }
  return head;
}

std::vector<float> some_input(int width) {
  std::vector<float> x;
  for (int i = 0; i < width; ++i)
    x.push_back(static_cast<float>(1 + .5 * normal(1, static_cast<size_t>(i))));
  return x;
}

struct Passes {
  double mean = 0, variance = 0;
};

Passes passes_of(const Head& head, const std::vector<float>& x, double rate, int samples) {
  DropoutRates rates;
  rates.pooler = rate;
  const uint32_t id = 77;
  HeadActivations activations;
  Passes p;
  double squares = 0;
  for (int t = 0; t < samples; ++t) {
    float y = 0;
    head_forward_training(head, x.data(), head_noise(rates, static_cast<uint32_t>(t), {&id, 1}),
                          activations, &y);
    const double distance = y - p.mean;
    p.mean += distance / (t + 1);
    squares += distance * (y - p.mean);
  }
  p.variance = squares / (samples - 1);
  return p;
}

double output_of(const Head& head, const std::vector<float>& x) {
  float y = 0;
  head_forward(head, x.data(), 1, &y);
  return y;
}

// MC2: the gap goes to 0 as 1 / sqrt(T), and s^2 to p / (1 - p) sum w^2 x^2.
TEST(McHead, OfOneLayerIsUnbiasedAndHasTheVarianceOfTheFormula) {
  constexpr int samples = 4000;
  const Head head = some_head(HeadKind::linear, 64);
  const auto x = some_input(64);
  const Passes p = passes_of(head, x, .3, samples);
  double variance = 0;
  for (size_t i = 0; i < x.size(); ++i) variance += std::pow(double{head.out_weight[i]} * x[i], 2);
  variance *= .3 / .7;
  EXPECT_NEAR(p.variance / variance, 1, .2);
  EXPECT_LT(std::abs(p.mean - output_of(head, x)), 4 * std::sqrt(variance / samples));
}

// MC5: first-order sum over both sites.
TEST(McHead, OfTwoSitesHasTheSumOfTheirVariances) {
  constexpr int width = 64;
  constexpr double rate = .1;
  Head head = some_head(HeadKind::pooled, width);
  for (float& w : head.dense_weight) w *= .3f;
  const auto x = some_input(width);
  std::vector<double> hidden(width), slope(width, 0);
  for (size_t h = 0; h < width; ++h) {
    double z = head.dense_bias[h];
    for (size_t i = 0; i < width; ++i) z += double{head.dense_weight[h * width + i]} * x[i];
    hidden[h] = std::tanh(z);
    for (size_t i = 0; i < width; ++i)
      slope[i] +=
          head.out_weight[h] * (1 - hidden[h] * hidden[h]) * head.dense_weight[h * width + i];
  }
  double sum = 0;
  for (size_t i = 0; i < width; ++i)
    sum += std::pow(slope[i] * x[i], 2) + std::pow(head.out_weight[i] * hidden[i], 2);
  EXPECT_NEAR(passes_of(head, x, rate, 4000).variance / (sum * rate / (1 - rate)), 1, .2);
}

// The stored head reads raw columns, but drops them as the training dropped the standardised ones.
TEST(McHead, DropsStandardisedColumnsToTheirMean) {
  constexpr int width = 32;
  const Head head = some_head(HeadKind::pooled, width);
  ColumnScaler columns = identity_columns(width);
  const auto raw = some_input(width);
  std::vector<float> scaled(width);
  for (int i = 0; i < width; ++i) {
    columns.mean[static_cast<size_t>(i)] =
        static_cast<float>(2 * normal(5, static_cast<size_t>(i)));
    columns.factor[static_cast<size_t>(i)] = i % 7 == 0 ? 0.f : .4f;
  }
  columns.apply(raw.data(), scaled.data());
  const Head stored = fold_columns_into(columns, head);
  DropoutRates rates;
  rates.pooler = .4;
  const uint32_t id = 5;
  HeadActivations activations;
  for (uint32_t t = 0; t < 5; ++t) {
    float in_training = 0, in_prediction = 0;
    const HeadDropout noise = head_noise(rates, t, {&id, 1});
    head_forward_training(head, scaled.data(), noise, activations, &in_training);
    head_forward_training(stored, raw.data(), noise, activations, &in_prediction);
    EXPECT_NEAR(in_prediction, in_training, 1e-5 * (1 + std::abs(in_training)));
    EXPECT_GT(std::abs(in_training - output_of(head, scaled)), 1e-3);  // something was dropped
  }
}

ModelCard card_of(Task task, std::vector<std::vector<TargetScaler>> scalers) {
  ModelCard card;
  card.task = task;
  card.targets.resize(scalers[0].size());
  card.scalers = std::move(scalers);
  return card;
}

TEST(Moments, OfEqualSamplesAreTheValueItself) {  // MC1
  TargetScaler scaler;
  scaler.mean = 3.3;
  scaler.scale = .7;
  const double value = .1;
  const std::vector<double> values(1 + 30, value);
  const auto m = moments_of(card_of(Task::regression, {{scaler}}), values, 30);
  EXPECT_EQ(m[0].mean, scaler.inverse(value));
  EXPECT_EQ(m[0].within, 0);
  EXPECT_TRUE(std::isnan(m[0].between));
  EXPECT_TRUE(std::isnan(m[0].entropy));
}

TEST(Moments, GoThroughANonlinearScalerSampleBySample) {
  TargetScaler scaler;
  scaler.kind = ScalerKind::log1p;
  const auto m = moments_of(card_of(Task::regression, {{scaler}}), std::vector<double>{0, 1, 3}, 2);
  const double low = std::expm1(1), high = std::expm1(3);
  EXPECT_DOUBLE_EQ(m[0].mean, (low + high) / 2);
  EXPECT_DOUBLE_EQ(m[0].within, std::pow(high - low, 2) / 2);
}

TEST(Moments, OfFoldsAreTheMeanVarianceAndTheVarianceOfMeans) {
  const auto card = card_of(Task::regression, {{TargetScaler{}}, {TargetScaler{}}});
  // [pass, fold]: without noise 0, 0; fold 0: 1, 3; fold 1: 10, 20.
  const auto m = moments_of(card, std::vector<double>{0, 0, 1, 10, 3, 20}, 2);
  EXPECT_DOUBLE_EQ(m[0].mean, 8.5);
  EXPECT_DOUBLE_EQ(m[0].within, (2 + 50) / 2.);
  EXPECT_DOUBLE_EQ(m[0].between, 13 * 13 / 2.);
  const auto det = moments_of(card, std::vector<double>{1, 3}, 0);
  EXPECT_DOUBLE_EQ(det[0].mean, 2);
  EXPECT_EQ(det[0].within, 0);
  EXPECT_DOUBLE_EQ(det[0].between, 2);
}

TEST(Moments, OfFoldsAndSeedsHaveTheSeedsVariance) {
  auto card = card_of(Task::regression, std::vector(4, std::vector{TargetScaler{}}));
  card.uncertainty.folds = 2;  // members 0 and 2, 1 and 3
  const auto m = moments_of(card, std::vector<double>{0, 100, 2, 106}, 0);
  EXPECT_DOUBLE_EQ(m[0].between_seeds, (2 + 18) / 2.);
  EXPECT_GT(m[0].between, 1000);
  card.uncertainty.folds = 4;
  EXPECT_TRUE(
      std::isnan(moments_of(card, std::vector<double>{0, 100, 2, 106}, 0)[0].between_seeds));
}

TEST(Moments, OfClassesHaveEntropies) {
  const auto h = [](double p) { return -p * std::log(p) - (1 - p) * std::log(1 - p); };
  const auto card = card_of(Task::binary, {{TargetScaler{}}, {TargetScaler{}}});
  const auto m = moments_of(card, std::vector<double>{.2, .8}, 0);
  EXPECT_DOUBLE_EQ(m[0].entropy, std::log(2.));
  EXPECT_NEAR(m[0].information, std::log(2.) - h(.2), 1e-15);
  const auto sure = moments_of(card, std::vector<double>{1, 1}, 0);
  EXPECT_EQ(sure[0].entropy, 0);
  EXPECT_EQ(sure[0].information, 0);
  const auto classes = card_of(Task::multiclass, {std::vector<TargetScaler>(3)});
  const auto c = moments_of(classes, std::vector<double>{0, 0, 0, .5, .5, 0, .5, 0, .5}, 2);
  const double entropy = -.5 * std::log(.5) - .5 * std::log(.25);
  for (const Moments& each : c) {
    EXPECT_NEAR(each.entropy, entropy, 1e-15);
    EXPECT_NEAR(each.information, entropy - std::log(2.), 1e-15);
  }
}

// A small network with two folds that share the encoder, trained with the given rates.
Model model_with(const DropoutRates& rates, HeadKind kind = HeadKind::linear) {
  const Architecture a{
      PairKernel::gaussian, 2, 24, 30, 3, official_architecture(PairKernel::gaussian).vocabulary};
  const Model untrained = initialise_model(a, Hydrogens::all, TokenLayout::file_order, 3);
  ModelCard card = untrained.card();
  card.task = Task::regression;
  card.head = kind;
  card.targets = {"y"};
  TargetScaler scaler;
  scaler.kind = ScalerKind::log1p;
  card.scalers = {{scaler}, {scaler}};
  card.uncertainty.noise = rates;
  card.uncertainty.kind = Calibrated::conformal;
  card.uncertainty.deterministic = {{0, 4, 3, {1, 2, 3}}};
  if (rates.any()) card.uncertainty.mc = {{2, 1, 3, {1, 2, 3}}};
  const Model moved(untrained.card(), test::perturbed(untrained.tensors(), .1), "perturbed");
  return moved.with_heads(card, {some_head(kind, 24), some_head(kind, 24)});
}

DropoutRates whole_network() {
  DropoutRates rates;
  rates.embedding = rates.attention = rates.residual = rates.pooler = .1;
  rates.seed = 9;
  return rates;
}

struct Numbers {
  std::vector<float> value, std, error, low, high, spread, gap, deterministic, entropy, information;
  explicit Numbers(size_t n)
      : value(n),
        std(n),
        error(n),
        low(n),
        high(n),
        spread(n),
        gap(n),
        deterministic(n),
        entropy(n),
        information(n) {}
  UncertainArrays arrays() {
    return {value.data(),  std.data(), error.data(),         low.data(),     high.data(),
            spread.data(), gap.data(), deterministic.data(), entropy.data(), information.data()};
  }
};

const std::vector<std::string> molecules = {"CCO", "c1ccccc1", "NC(Cl)=O", "CCO", "O"};

Numbers predict(const Model& model, const std::vector<std::string>& smiles, PredictMode mode,
                int threads = 1, int batch_size = 0, Sampling sampling = {}) {
  Batch batch(ConformerOptions{}, sampling);
  for (const auto& s : smiles) batch.add_text(s);
  RunOptions options;
  options.threads = threads;
  options.batch_size = batch_size;
  Numbers numbers(smiles.size());
  batch.predict_uncertain(model, options, {mode, 4, .5}, numbers.arrays());
  return numbers;
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(McPrediction, IsTheSameWhateverTheThreadsBatchesAndOrder) {  // MC3
  const Model model = model_with(whole_network());
  const Numbers once = predict(model, molecules, PredictMode::mc);
  for (const auto& [threads, batch_size] : {std::pair{3, 0}, {2, 1}, {1, 2}}) {
    const Numbers again = predict(model, molecules, PredictMode::mc, threads, batch_size);
    EXPECT_TRUE(same_bytes(once.value, again.value));
    EXPECT_TRUE(same_bytes(once.spread, again.spread));
  }
  const Numbers reversed =
      predict(model, {molecules.rbegin(), molecules.rend()}, PredictMode::mc, 2);
  for (size_t i = 0; i < molecules.size(); ++i) {
    EXPECT_EQ(once.value[i], reversed.value[molecules.size() - 1 - i]);
    EXPECT_EQ(once.spread[i], reversed.spread[molecules.size() - 1 - i]);
    EXPECT_GT(once.spread[i], 0);
    EXPECT_NE(once.gap[i], 0);
    EXPECT_NEAR(once.gap[i], once.value[i] - once.deterministic[i], 1e-6);
  }
}

TEST(McPrediction, HasTheDeterministicValueAndItsErrorBar) {
  const Model model = model_with(whole_network());
  const Numbers det = predict(model, molecules, PredictMode::deterministic);
  const Numbers mc = predict(model, molecules, PredictMode::mc);
  EXPECT_TRUE(same_bytes(det.value, mc.deterministic));
  EXPECT_TRUE(same_bytes(det.value, det.deterministic));
  for (size_t i = 0; i < molecules.size(); ++i) {
    EXPECT_EQ(det.error[i], 2);                         // b = 4
    EXPECT_FLOAT_EQ(det.low[i], det.value[i] - 2 * 2);  // rank ceil(4 * .5) of the scores
    EXPECT_FLOAT_EQ(det.high[i], det.value[i] + 2 * 2);
    EXPECT_TRUE(std::isnan(det.gap[i]));
    EXPECT_EQ(det.spread[i], 0);  // equal heads
    EXPECT_NEAR(mc.error[i], std::sqrt(2 * mc.spread[i] * mc.spread[i] + 1), 1e-5);
  }
}

// With dropout in the head alone the encoder runs once; the same numbers come of the long way.
TEST(McPrediction, OfTheHeadAloneIsThatOfTheWholeNetworkWithAQuietEncoder) {
  DropoutRates head_only, whole;
  head_only.pooler = .3;
  whole = head_only;
  whole.residual = 1e-12;  // never hits: floor(p 2^32) = 0, and 1 / (1 - p) = 1
  for (const HeadKind kind : {HeadKind::linear, HeadKind::pooled}) {
    const Numbers a = predict(model_with(head_only, kind), molecules, PredictMode::mc);
    const Numbers b = predict(model_with(whole, kind), molecules, PredictMode::mc);
    for (size_t i = 0; i < molecules.size(); ++i) {
      EXPECT_GT(a.spread[i], 0);
      EXPECT_NEAR(a.value[i], b.value[i], 1e-5);
      EXPECT_NEAR(a.spread[i], b.spread[i], 1e-5);
    }
  }
}

TEST(McPrediction, AveragesConformersAndLosesOnlyBadRows) {
  const Model model = model_with(whole_network());
  const Numbers three = predict(model, {"CCO", "nonsense", "CCCCO"}, PredictMode::mc, 2, 0, {3});
  const Numbers one = predict(model, {"CCO", "nonsense", "CCCCO"}, PredictMode::mc, 2, 0, {1});
  EXPECT_TRUE(std::isnan(three.value[1]) && std::isnan(three.error[1]));
  for (const size_t i : {0, 2}) {
    EXPECT_TRUE(std::isfinite(three.value[i]));
    EXPECT_NE(three.value[i], one.value[i]);
  }
}

TEST(McPrediction, NeedsDropout) {
  EXPECT_ERROR(predict(model_with({}), molecules, PredictMode::mc), MOLRT_ERROR_INVALID_ARGUMENT,
               "standard deviation 0");
}

TEST(McPrediction, TellsItsPassesAndStops) {
  const Model model = model_with(whole_network());
  Batch batch{ConformerOptions{}};
  for (const auto& s : molecules) batch.add_text(s);
  batch.compute_conformers({});
  std::vector<size_t> told;
  RunOptions options;
  options.progress = [&](int, size_t done, size_t total) {
    EXPECT_EQ(total, 4 * 5u);  // different molecules, passes with the one without dropout
    told.push_back(done);
    return done > 8;
  };
  Numbers numbers(molecules.size());
  EXPECT_ERROR(batch.predict_uncertain(model, options, {PredictMode::mc, 4, .9}, numbers.arrays()),
               MOLRT_ERROR_CANCELLED, "stopped");
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
}

TEST(MoleculeId, IsOfTokensAndCoordinates) {
  Features a;
  a.tokens = {0, 4, 2};
  a.coordinates = {0, 0, 0, 1, 2, 3, 0, 0, 0};
  Features b = a;
  EXPECT_EQ(molecule_id(a), molecule_id(b));
  b.coordinates[4] = 2.5;
  EXPECT_NE(molecule_id(a), molecule_id(b));
  b = a;
  b.tokens[1] = 5;
  EXPECT_NE(molecule_id(a), molecule_id(b));
}

}  // namespace
}  // namespace molrt
