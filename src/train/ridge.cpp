#include "train/ridge.h"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <limits>

namespace molrt {
namespace {

// Eigenvalues below this part of the largest are rounding errors.
constexpr double kNegligible = 1e-10;

// Of the eigenvalues, ascending: how many are negligible.
Eigen::Index negligible(const Eigen::VectorXd& ascending) {
  Eigen::Index count = 0;
  while (count < ascending.size() &&
         !(ascending[count] > kNegligible * ascending[ascending.size() - 1]))
    ++count;
  return count;
}

}  // namespace

Ridge::Ridge(const Eigen::MatrixXd& x) : means_(x.colwise().mean()) {
  const Eigen::MatrixXd centred = x.rowwise() - means_;
  const bool wide = x.cols() > x.rows();
  const Eigen::MatrixXd gram = wide ? Eigen::MatrixXd(centred * centred.transpose())
                                    : Eigen::MatrixXd(centred.transpose() * centred);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram);
  const Eigen::Index rank = gram.cols() - negligible(solver.eigenvalues());
  eigenvalues_ = solver.eigenvalues().tail(rank);
  const Eigen::MatrixXd vectors = solver.eigenvectors().rightCols(rank);
  const Eigen::VectorXd roots = eigenvalues_.cwiseSqrt();
  directions_ =
      wide ? Eigen::MatrixXd(centred.transpose() * vectors * roots.cwiseInverse().asDiagonal())
           : vectors;
  scores_ =
      wide ? Eigen::MatrixXd(vectors * roots.asDiagonal()) : Eigen::MatrixXd(centred * vectors);
  if (rank > 0) mean_eigenvalue_ = gram.trace() / static_cast<double>(x.cols());
}

RidgeFit Ridge::fit(const Eigen::VectorXd& y, double lambda) const {
  const Eigen::VectorXd along = scores_.transpose() * y;
  RidgeFit result;
  result.weights = directions_ * (along.array() / (eigenvalues_.array() + lambda)).matrix();
  result.intercept = y.mean() - means_ * result.weights;
  result.lambda = lambda;
  return result;
}

// A left-out row's error is its residual / (1 - leverage).
double Ridge::leave_one_out(const Eigen::VectorXd& y, double lambda) const {
  const Eigen::ArrayXd shrunk = (eigenvalues_.array() + lambda).inverse();
  const Eigen::VectorXd centred = y.array() - y.mean();
  const Eigen::VectorXd along = scores_.transpose() * centred;
  const Eigen::ArrayXd residual =
      centred.array() - (scores_ * (along.array() * shrunk).matrix()).array();
  const Eigen::ArrayXd leverage = 1 / static_cast<double>(y.size()) +
                                  (scores_.array().square().matrix() * shrunk.matrix()).array();
  return (residual / (1 - leverage)).square().sum();
}

RidgeFit Ridge::fit_leave_one_out(const Eigen::VectorXd& y) const {
  double best_error = std::numeric_limits<double>::infinity(), best_lambda = 0;
  for (int quarter = 12; quarter >= -24; --quarter) {
    const double lambda = mean_eigenvalue_ * std::pow(10., quarter / 4.);
    const double error = leave_one_out(y, lambda);
    if (error < best_error) {
      best_error = error;
      best_lambda = lambda;
    }
  }
  return fit(y, best_lambda);
}

}  // namespace molrt
