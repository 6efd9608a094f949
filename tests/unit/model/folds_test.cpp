#include "model/folds.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/batch.h"
#include "model/initialise.h"
#include "support/expect_error.h"

namespace molrt {
namespace {

Tensor numbers(std::vector<float> values) {
  const auto count = static_cast<int64_t>(values.size());
  return make_tensor({count}, std::move(values));
}

TEST(Folds, WhatIsEqualIsStoredOnceAndEveryFoldGetsItsOwnBack) {
  const std::vector<TensorMap> folds = {{{"a", numbers({1})}, {"b", numbers({2, 3})}},
                                        {{"a", numbers({1})}, {"b", numbers({2, 4})}},
                                        {{"a", numbers({1})}, {"b", numbers({2})}}};
  const TensorMap merged = merge_folds(folds);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : merged) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "folds.0.b", "folds.1.b", "folds.2.b"}));
  for (int i = 0; i < 3; ++i) {
    const TensorMap own = tensors_of_fold(merged, i);
    ASSERT_EQ(own.size(), 2u);
    EXPECT_EQ(to_f32(own.at("b")), to_f32(folds[i].at("b")));
  }
}

TEST(Folds, TenIsNotOne) {
  const TensorMap merged = {{"folds.1.a", numbers({1})}, {"folds.10.a", numbers({10})}};
  EXPECT_EQ(to_f32(tensors_of_fold(merged, 1).at("a")).front(), 1);
  EXPECT_EQ(to_f32(tensors_of_fold(merged, 10).at("a")).front(), 10);
}

constexpr Architecture small = {PairKernel::gaussian, 1, 16, 16, 2, 31};

TensorMap network(uint64_t encoder_seed, uint64_t head_seed) {
  TensorMap tensors =
      initialise_model(small, Hydrogens::all, TokenLayout::file_order, encoder_seed).tensors();
  Head head = initialised_head(HeadKind::linear, small.width, 2, head_seed, 0);
  for (float& weight : head.out_weight) weight *= 20;
  write_head(head, tensors);
  return tensors;
}

Model open_folds(const std::vector<TensorMap>& folds) {
  ModelCard card;
  card.architecture = small;
  card.dictionary_text = Dictionary::shipped_text(small.vocabulary);
  card.task = Task::regression;
  card.targets = {"x", "y"};
  std::vector<TargetScaler> scalers(2);
  scalers[0].mean = 1;
  scalers[1].scale = 3;
  card.scalers.assign(folds.size(), scalers);
  return Model(card, merge_folds(folds), "folds");
}

std::vector<float> predict(const Model& model, std::vector<float>* std, int conformers = 1) {
  Batch batch{ConformerOptions{}, {conformers, false, false}};
  batch.add_text("CCO");
  batch.add_text("c1ccccc1");
  std::vector<float> mean(4);
  std->resize(4);
  batch.predict(model, RunOptions{}, mean.data(), std->data());
  return mean;
}

TEST(Folds, EveryFoldPredictsWithItsOwnEncoder) {
  const TensorMap a = network(1, 1), b = network(2, 2);
  const Model both = open_folds({a, b});
  EXPECT_EQ(both.encoders(), 2u);
  std::vector<float> std, none;
  const auto mean = predict(both, &std);
  const auto first = predict(open_folds({a}), &none), second = predict(open_folds({b}), &none);
  for (size_t i = 0; i < mean.size(); ++i) {
    EXPECT_NE(first[i], second[i]);
    EXPECT_NEAR(mean[i], (first[i] + second[i]) / 2, 1e-5);
    EXPECT_NEAR(std[i], std::abs(first[i] - second[i]) / std::sqrt(2.), 1e-5);
  }
}

TEST(Folds, ConformersAreAveragedForEveryEncoder) {
  const TensorMap a = network(1, 1), b = network(2, 2);
  std::vector<float> std, none;
  const auto mean = predict(open_folds({a, b}), &std, 3);
  const auto first = predict(open_folds({a}), &none, 3),
             second = predict(open_folds({b}), &none, 3);
  for (size_t i = 0; i < mean.size(); ++i) {
    EXPECT_NEAR(mean[i], (first[i] + second[i]) / 2, 1e-5);
    EXPECT_NEAR(std[i], std::abs(first[i] - second[i]) / std::sqrt(2.), 1e-5);
  }
}

TEST(Folds, EqualEncodersAreOne) {
  const TensorMap a = network(1, 1), b = network(1, 2), c = network(3, 3);
  EXPECT_EQ(open_folds({a, b}).encoders(), 1u);
  EXPECT_EQ(open_folds({a, b, c, b}).encoders(), 2u);
}

TEST(Folds, RepresentationsOfSeveralEncodersAreRefused) {
  const Model model = open_folds({network(1, 1), network(2, 2)});
  Batch batch{ConformerOptions{}};
  batch.add_text("C");
  std::vector<float> cls(small.width);
  EXPECT_ERROR(batch.embed(model, RunOptions{}, cls.data(), nullptr, 0), MOLRT_ERROR_UNSUPPORTED,
               "option fold");
  EXPECT_ERROR(model.with_heads(model.card(), model.heads()), MOLRT_ERROR_UNSUPPORTED,
               "2 different encoders");
}

}  // namespace
}  // namespace molrt
