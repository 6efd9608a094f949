#pragma once
// Ridge regression in closed form, with an intercept that is not penalised.
#include <Eigen/Core>
#include <functional>

namespace molrt {

struct RidgeFit {
  Eigen::VectorXd weights;  // [columns]
  double intercept = 0;
  double lambda = 0;
};

// The rows [first, first + count) of x, [count, columns].
using RowReader = std::function<Eigen::MatrixXd(Eigen::Index first, Eigen::Index count)>;

// Minimises sum (y - x w - b)^2 + lambda |w|^2 for any lambda and y from one eigendecomposition, of
// the smaller of X'X and XX'. x is read part by part, several times; only if it has fewer rows than
// columns does it stand in memory as a whole.
class Ridge {
 public:
  // `read` is kept for the fits. INTERNAL error if the decomposition fails, as for NaN.
  Ridge(Eigen::Index rows, Eigen::Index columns, RowReader read);

  RidgeFit fit(const Eigen::VectorXd& y, double lambda) const;
  // The lambda with the smallest leave-one-out squared error, out of a grid of quarter decades from
  // 1e-6 to 1e3 times the mean eigenvalue; the largest such lambda.
  RidgeFit fit_leave_one_out(const Eigen::VectorXd& y);

 private:
  using Part = std::function<void(Eigen::Index first, const Eigen::MatrixXd& centred)>;
  void for_parts(const Part& part) const;
  void find_means();
  Eigen::MatrixXd inner_products() const;                     // X'X; its lower triangle
  Eigen::MatrixXd outer_products() const;                     // XX'
  Eigen::MatrixXd correlate(const Eigen::MatrixXd& y) const;  // X'y
  Eigen::MatrixXd shrinkage() const;
  void find_leverages();
  // `along`: directions' X'y, [rank].
  RidgeFit solve(const Eigen::VectorXd& y, const Eigen::VectorXd& along, double lambda) const;
  Eigen::ArrayXd leave_one_out(const Eigen::VectorXd& y, const Eigen::VectorXd& along) const;

  Eigen::Index rows_, columns_;
  RowReader read_;
  Eigen::RowVectorXd means_;
  Eigen::VectorXd eigenvalues_;  // [rank]
  Eigen::MatrixXd directions_;   // [columns, rank], orthonormal
  Eigen::ArrayXd grid_;          // of lambda, descending
  Eigen::ArrayXXd leverages_;    // [rows, grid], once they are needed
};

}  // namespace molrt
