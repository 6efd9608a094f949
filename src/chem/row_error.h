#pragma once
// Why a molecule has no result, on its way to the row's status.
#include <cstdint>
#include <stdexcept>
#include <string>

namespace molrt {

class RowError : public std::runtime_error {
 public:
  RowError(int32_t status, const std::string& reason)
      : std::runtime_error(reason), status_(status) {}
  int32_t status() const { return status_; }

 private:
  int32_t status_;  // MOLRT_ROW_*
};

}  // namespace molrt
