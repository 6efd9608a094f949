#include "train/ridge.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "base/error.h"
#include "base/philox.h"

namespace molrt {
namespace {

Eigen::MatrixXd random_matrix(Eigen::Index rows, Eigen::Index columns, uint32_t stream) {
  Eigen::MatrixXd matrix(rows, columns);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = random_normal(random_key(3, 0), stream, 0, 0, static_cast<uint64_t>(i));
  return matrix;
}

struct Problem {
  Eigen::MatrixXd x;
  Eigen::VectorXd y;
};

Problem make_problem(Eigen::Index rows, Eigen::Index columns) {
  Problem problem{random_matrix(rows, columns, 1).array() + 2, {}};
  problem.y = problem.x * random_matrix(columns, 1, 2) + .5 * random_matrix(rows, 1, 3);
  problem.y.array() += 7;
  return problem;
}

// The normal equations with a column of ones that is not penalised.
RidgeFit naive(const Problem& problem, double lambda) {
  const Eigen::Index n = problem.x.cols();
  Eigen::MatrixXd x(problem.x.rows(), n + 1);
  x << problem.x, Eigen::VectorXd::Ones(problem.x.rows());
  Eigen::MatrixXd left = x.transpose() * x;
  left.diagonal().head(n).array() += lambda;
  const Eigen::VectorXd w = left.ldlt().solve(x.transpose() * problem.y);
  return {w.head(n), w[n], lambda};
}

double naive_leave_one_out(const Problem& problem, double lambda) {
  double sum = 0;
  const Eigen::Index last = problem.x.rows() - 1;
  for (Eigen::Index i = 0; i <= last; ++i) {
    Problem rest{problem.x.topRows(last), problem.y.head(last)};
    if (i < last) {
      rest.x.row(i) = problem.x.row(last);
      rest.y[i] = problem.y[last];
    }
    const RidgeFit fit = naive(rest, lambda);
    const double error = problem.x.row(i).dot(fit.weights) + fit.intercept - problem.y[i];
    sum += error * error;
  }
  return sum;
}

Ridge make_ridge(const Eigen::MatrixXd& x) {
  return Ridge(x.rows(), x.cols(), [x](Eigen::Index first, Eigen::Index count) {
    return Eigen::MatrixXd(x.middleRows(first, count));
  });
}

class RidgeShapes : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(RidgeShapes, MatchTheNormalEquations) {
  const Problem problem = make_problem(GetParam().first, GetParam().second);
  const Ridge ridge = make_ridge(problem.x);
  for (const double lambda : {.01, 1., 100.}) {
    const RidgeFit fit = ridge.fit(problem.y, lambda), expected = naive(problem, lambda);
    EXPECT_LT((fit.weights - expected.weights).norm(), 1e-8 * expected.weights.norm());
    EXPECT_NEAR(fit.intercept, expected.intercept, 1e-7);
  }
}

TEST_P(RidgeShapes, ChooseByLeaveOneOut) {
  const Problem problem = make_problem(GetParam().first, GetParam().second);
  const double chosen = make_ridge(problem.x).fit_leave_one_out(problem.y).lambda;
  const double error = naive_leave_one_out(problem, chosen);
  for (const double factor : {1e-3, .1, .56, 1.78, 10., 1e3})
    EXPECT_LE(error, naive_leave_one_out(problem, chosen * factor)) << "factor " << factor;
}

INSTANTIATE_TEST_SUITE_P(TallAndWide, RidgeShapes,
                         testing::Values(std::pair{30, 6}, std::pair{12, 12}, std::pair{10, 25},
                                         std::pair{600, 5}));

TEST(Ridge, ConstantColumnsGetNoWeight) {
  Problem problem = make_problem(20, 4);
  problem.x.col(2).setConstant(3);
  const RidgeFit fit = make_ridge(problem.x).fit_leave_one_out(problem.y);
  EXPECT_NEAR(fit.weights[2], 0, 1e-12);
  problem.x.setConstant(1);
  EXPECT_NEAR(make_ridge(problem.x).fit_leave_one_out(problem.y).intercept, problem.y.mean(),
              1e-12);
}

TEST(Ridge, ValuesThatAreNoNumbersAreNamed) {
  Problem problem = make_problem(20, 4);
  problem.x(3, 1) = std::nan("");
  EXPECT_THROW(make_ridge(problem.x), Error);
}

// Each target of one decomposition is fitted as if it were alone.
TEST(Ridge, FitsManyTargets) {
  const Problem problem = make_problem(30, 6);
  const Eigen::VectorXd other = random_matrix(30, 1, 9);
  Ridge ridge = make_ridge(problem.x);
  ridge.fit_leave_one_out(other);
  EXPECT_EQ(ridge.fit_leave_one_out(problem.y).weights,
            make_ridge(problem.x).fit_leave_one_out(problem.y).weights);
}

}  // namespace
}  // namespace molrt
