#pragma once
// Fits the scaling of a target's values, as scikit-learn fits its scalers.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/target_scaler.h"

namespace molrt {

// standard   StandardScaler: mean and population standard deviation
// robust     RobustScaler: median and interquartile range (1 if that is 0)
// log1p      FunctionTransformer(log1p)
// power      PowerTransformer: Yeo-Johnson by maximum likelihood, then standard
// quantile   QuantileTransformer: 1000 quantiles or as many as values, to a uniform distribution;
//            of all values, without its random sample of more than 10,000
// minmax     MinMaxScaler to [0, 1]
// automatic  unimol_tools' `auto`: log1p if abs(skew) > 5 or abs(kurtosis) > 20 (SciPy's biased
//            skew and excess kurtosis) and it is defined on all values, else standard
enum class TargetScaling { none, standard, robust, log1p, power, quantile, minmax, automatic };

TargetScaling target_scaling(std::string_view name);  // as in the settings

// `values`: the finite training labels of the target `name`, not all equal. `smallest`: of all its
// labels, also those that are held out. DATA error if they cannot be scaled.
TargetScaler fit_target(TargetScaling scaling, std::vector<double> values, double smallest,
                        const std::string& name);

}  // namespace molrt
