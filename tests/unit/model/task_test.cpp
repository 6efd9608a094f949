#include "model/task.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace molrt {
namespace {

std::vector<double> outputs(Task task, std::vector<float> logits, size_t count) {
  std::vector<double> result(count, -1);
  activate(task, logits, result.data());
  return result;
}

TEST(Task, TurnsLogitsIntoOutputs) {
  EXPECT_EQ(outputs(Task::regression, {1, -2}, 2), (std::vector<double>{1, -2}));
  const double e = std::exp(1.);
  EXPECT_NEAR(outputs(Task::binary, {1, 2}, 1)[0], e / (1 + e), 1e-15);
  EXPECT_NEAR(outputs(Task::binary, {1}, 1)[0], e / (1 + e), 1e-15);
  const auto labels = outputs(Task::multilabel, {0, 1}, 2);
  EXPECT_NEAR(labels[0], .5, 1e-15);
  EXPECT_NEAR(labels[1], e / (1 + e), 1e-15);
  const auto classes = outputs(Task::multiclass, {1000, 1001, 1000}, 3);
  EXPECT_NEAR(classes[1], e / (2 + e), 1e-15);
  EXPECT_NEAR(classes[0] + classes[1] + classes[2], 1, 1e-15);
}

TEST(Task, ExtremeLogitsStayProbabilities) {
  EXPECT_EQ(outputs(Task::binary, {1e30f, -1e30f}, 1)[0], 0);
  EXPECT_EQ(outputs(Task::binary, {-1e30f, 1e30f}, 1)[0], 1);
  EXPECT_EQ(outputs(Task::multilabel, {-1e30f}, 1)[0], 0);
  EXPECT_EQ(outputs(Task::multiclass, {-1e30f, 1e30f}, 2), (std::vector<double>{0, 1}));
}

TEST(Task, OnlyABinaryHeadMayHaveTwoRowsForOneOutput) {
  EXPECT_TRUE(task_fits(Task::binary, 1, 1));
  EXPECT_TRUE(task_fits(Task::binary, 2, 1));
  EXPECT_FALSE(task_fits(Task::binary, 3, 1));
  EXPECT_FALSE(task_fits(Task::binary, 2, 2));
  EXPECT_TRUE(task_fits(Task::multiclass, 3, 3));
  EXPECT_FALSE(task_fits(Task::multiclass, 1, 1));
  EXPECT_FALSE(task_fits(Task::regression, 2, 1));
  EXPECT_FALSE(task_fits(Task::none, 1, 1));
}

}  // namespace
}  // namespace molrt
