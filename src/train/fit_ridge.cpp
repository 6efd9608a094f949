#include <cmath>

#include "train/evaluation.h"
#include "train/ridge.h"

namespace molrt {
namespace {

std::vector<size_t> labelled_rows(const Fold& fold, size_t target) {
  std::vector<size_t> rows;
  for (const size_t row : fold.split.train)
    if (!std::isnan(scaled_target(fold, row, target))) rows.push_back(row);
  return rows;
}

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// The head is linear: its mean over conformers is that of their mean.
Eigen::MatrixXd mean_inputs(const Fold& fold, std::span<const size_t> rows) {
  const auto width = static_cast<size_t>(fold.data.head_width());
  const std::vector<double> means =
      fold.data.conformers.means(rows, gather(fold, fold.data.conformers.all(rows)), width);
  return Eigen::Map<const RowMajor>(means.data(), static_cast<Eigen::Index>(rows.size()),
                                    static_cast<Eigen::Index>(width));
}

// `rows` must outlive the result.
Ridge make_ridge(const Fold& fold, std::span<const size_t> rows,
                 const std::function<void()>& check_cancelled) {
  const auto read = [&fold, rows, &check_cancelled](Eigen::Index first, Eigen::Index count) {
    check_cancelled();
    return mean_inputs(fold, rows.subspan(static_cast<size_t>(first), static_cast<size_t>(count)));
  };
  return Ridge(static_cast<Eigen::Index>(rows.size()), fold.data.head_width(), read);
}

Eigen::VectorXd labels(const Fold& fold, const std::vector<size_t>& rows, size_t target) {
  Eigen::VectorXd y(static_cast<Eigen::Index>(rows.size()));
  for (size_t i = 0; i < rows.size(); ++i)
    y[static_cast<Eigen::Index>(i)] = scaled_target(fold, rows[i], target);
  return y;
}

void store(const RidgeFit& fit, size_t target, FoldFit& result) {
  const auto width = static_cast<size_t>(result.head.width);
  for (size_t i = 0; i < width; ++i)
    result.head.out_weight[target * width + i] =
        static_cast<float>(fit.weights[static_cast<Eigen::Index>(i)]);
  result.head.out_bias[target] = static_cast<float>(fit.intercept);
  result.ridge_lambda.push_back(fit.lambda);
}

}  // namespace

// Each target is fitted on the rows that have it; targets with the same rows share the
// decomposition.
FoldFit fit_ridge(const Fold& fold, const std::function<void()>& check_cancelled) {
  FoldFit result;
  result.head = make_head(HeadKind::linear, fold.data.head_width(), fold.data.targets);
  std::vector<size_t> rows = labelled_rows(fold, 0);
  Ridge ridge = make_ridge(fold, rows, check_cancelled);
  for (size_t target = 0; target < static_cast<size_t>(fold.data.targets); ++target) {
    if (auto own = labelled_rows(fold, target); own != rows) {
      rows = std::move(own);
      ridge = make_ridge(fold, rows, check_cancelled);
    }
    const Eigen::VectorXd y = labels(fold, rows, target);
    const double lambda = fold.settings.ridge_lambda;
    store(lambda > 0 ? ridge.fit(y, lambda) : ridge.fit_leave_one_out(y), target, result);
  }
  const auto evaluate = [&](std::span<const size_t> rows) {
    return evaluate_outputs(fold, rows, head_outputs(fold, result.head, rows));
  };
  const Evaluation valid = evaluate(fold.split.held_out);
  result.loop.best.train_loss = evaluate(fold.split.train).loss.mean();
  result.loop.best.valid_loss = valid.loss.mean();
  result.loop.best.metric = valid.metric;
  return result;
}

}  // namespace molrt
