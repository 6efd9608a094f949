#pragma once
// Ridge regression in closed form, with an intercept that is not penalised.
// Only base/parallel.cpp speaks OpenMP; the same in every file that sees Eigen.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

namespace molrt {

struct RidgeFit {
  Eigen::VectorXd weights;  // [columns]
  double intercept = 0;
  double lambda = 0;
};

// Minimises sum (y - x w - b)^2 + lambda |w|^2 for any lambda and y from one eigendecomposition, of
// the smaller of X'X and XX'.
class Ridge {
 public:
  explicit Ridge(const Eigen::MatrixXd& x);  // [rows, columns]

  RidgeFit fit(const Eigen::VectorXd& y, double lambda) const;
  // The lambda with the smallest leave-one-out squared error, out of a grid of quarter decades from
  // 1e-6 to 1e3 times the mean eigenvalue; the largest such lambda.
  RidgeFit fit_leave_one_out(const Eigen::VectorXd& y) const;

 private:
  double leave_one_out(const Eigen::VectorXd& y, double lambda) const;  // sum of squared errors

  Eigen::RowVectorXd means_;
  Eigen::VectorXd eigenvalues_;  // [rank]
  Eigen::MatrixXd directions_;   // [columns, rank], orthonormal
  Eigen::MatrixXd scores_;       // [rows, rank]: the centred rows along them
  double mean_eigenvalue_ = 1;
};

}  // namespace molrt
