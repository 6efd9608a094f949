#pragma once
// What a training run is about to do, in lines for people: the data, and the settings that will
// run.
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "molrt.h"

namespace molrt::cli {

// "'logp': 1128 values from -11.6 to 1.58, mean -3.05"; values: [rows, targets], NaN: none.
std::vector<std::string> data_lines(const std::vector<std::string>& targets,
                                    std::span<const double> values);
// As the job will run: first those that differ from the defaults, which are
// told beside them, then the others, those of each method on lines of their own.
std::vector<std::string> settings_lines(const molrt_job* job);
// What the regularisation weighs and costs, by counting; "" if there is nothing to tell.
std::string counted_line(const molrt_job* job);

}  // namespace molrt::cli
