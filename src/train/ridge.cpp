#include "train/ridge.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace molrt {
namespace {

// Eigenvalues below this part of the largest are rounding errors.
constexpr double negligible_part = 1e-10;
constexpr Eigen::Index rows_of_part = 256;

// Of the eigenvalues, ascending: how many are negligible.
Eigen::Index negligible(const Eigen::VectorXd& ascending) {
  Eigen::Index count = 0;
  while (count < ascending.size() &&
         !(ascending[count] > negligible_part * ascending[ascending.size() - 1]))
    ++count;
  return count;
}

Eigen::ArrayXd lambda_grid(double mean_eigenvalue) {
  Eigen::ArrayXd grid(37);
  for (int i = 0; i < 37; ++i) grid[i] = mean_eigenvalue * std::pow(10., (12 - i) / 4.);
  return grid;
}

}  // namespace

Ridge::Ridge(Eigen::Index rows, Eigen::Index columns, RowReader read)
    : rows_(rows), columns_(columns), read_(std::move(read)) {
  find_means();
  const bool wide = columns > rows;
  const Eigen::MatrixXd matrix = wide ? outer_products() : inner_products();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  if (solver.info() != Eigen::Success)
    fail(MOLRT_ERROR_INTERNAL, "ridge: no eigenvalues of the {0} x {0} matrix of products",
         matrix.cols());
  const Eigen::Index rank = matrix.cols() - negligible(solver.eigenvalues());
  eigenvalues_ = solver.eigenvalues().tail(rank);
  directions_ = solver.eigenvectors().rightCols(rank);
  if (wide)
    directions_ = correlate(directions_ * eigenvalues_.cwiseSqrt().cwiseInverse().asDiagonal());
  grid_ = lambda_grid(rank > 0 ? matrix.trace() / static_cast<double>(columns) : 1);
}

// Centred rows, in order.
void Ridge::for_parts(const Part& part) const {
  for (Eigen::Index first = 0; first < rows_; first += rows_of_part) {
    const Eigen::Index count = std::min(rows_of_part, rows_ - first);
    part(first, read_(first, count).rowwise() - means_);
  }
}

void Ridge::find_means() {
  means_ = Eigen::RowVectorXd::Zero(columns_);
  Eigen::RowVectorXd sum = means_;
  for_parts([&](Eigen::Index, const Eigen::MatrixXd& x) { sum += x.colwise().sum(); });
  means_ = sum / static_cast<double>(rows_);
}

Eigen::MatrixXd Ridge::inner_products() const {
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(columns_, columns_);
  for_parts([&](Eigen::Index, const Eigen::MatrixXd& x) {
    sum.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
  });
  return sum;
}

Eigen::MatrixXd Ridge::outer_products() const {
  Eigen::MatrixXd x(rows_, columns_);
  for_parts([&](Eigen::Index first, const Eigen::MatrixXd& part) {
    x.middleRows(first, part.rows()) = part;
  });
  return x * x.transpose();
}

Eigen::MatrixXd Ridge::correlate(const Eigen::MatrixXd& y) const {
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(columns_, y.cols());
  for_parts([&](Eigen::Index first, const Eigen::MatrixXd& x) {
    sum += x.transpose() * y.middleRows(first, x.rows());
  });
  return sum;
}

RidgeFit Ridge::solve(const Eigen::VectorXd& y, const Eigen::VectorXd& along, double lambda) const {
  RidgeFit result;
  result.weights = directions_ * (along.array() / (eigenvalues_.array() + lambda)).matrix();
  result.intercept = y.mean() - means_ * result.weights;
  result.lambda = lambda;
  return result;
}

RidgeFit Ridge::fit(const Eigen::VectorXd& y, double lambda) const {
  return solve(y, directions_.transpose() * correlate(y), lambda);
}

// 1 / (eigenvalue + lambda), [rank, grid].
Eigen::MatrixXd Ridge::shrinkage() const {
  return (eigenvalues_.replicate(1, grid_.size()).rowwise() + grid_.matrix().transpose())
      .cwiseInverse();
}

void Ridge::find_leverages() {
  const Eigen::MatrixXd shrunk = shrinkage();
  leverages_.resize(rows_, grid_.size());
  for_parts([&](Eigen::Index first, const Eigen::MatrixXd& x) {
    const Eigen::MatrixXd scores = x * directions_;
    leverages_.middleRows(first, x.rows()) =
        1 / static_cast<double>(rows_) + (scores.cwiseAbs2() * shrunk).array();
  });
}

// The grid's sums of squared errors. A left-out row's error is its residual / (1 - leverage).
Eigen::ArrayXd Ridge::leave_one_out(const Eigen::VectorXd& y, const Eigen::VectorXd& along) const {
  const Eigen::MatrixXd weights = directions_ * (along.asDiagonal() * shrinkage());
  const double mean = y.mean();
  Eigen::ArrayXd errors = Eigen::ArrayXd::Zero(grid_.size());
  for_parts([&](Eigen::Index first, const Eigen::MatrixXd& x) {
    const Eigen::ArrayXXd residuals =
        (-(x * weights)).colwise() + (y.segment(first, x.rows()).array() - mean).matrix();
    errors += (residuals / (1 - leverages_.middleRows(first, x.rows())))
                  .square()
                  .colwise()
                  .sum()
                  .transpose();
  });
  return errors;
}

RidgeFit Ridge::fit_leave_one_out(const Eigen::VectorXd& y) {
  if (leverages_.size() == 0) find_leverages();
  const Eigen::VectorXd along = directions_.transpose() * correlate(y);
  const Eigen::ArrayXd errors = leave_one_out(y, along);
  // The first of the smallest; errors that are not numbers never are.
  const auto best = std::min_element(errors.begin(), errors.end(), [](double a, double b) {
    return a < b || (std::isnan(b) && !std::isnan(a));
  });
  return solve(y, along, grid_[best - errors.begin()]);
}

}  // namespace molrt
