#pragma once
// The one exception type of molrt: a status of molrt.h and a text that names the file, tensor, row,
// SMILES or option, what was expected and what was found. The C boundary turns it into a return
// value.
#include <fmt/format.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "molrt.h"

namespace molrt {

class Error : public std::runtime_error {
 public:
  Error(int32_t status, const std::string& text) : std::runtime_error(text), status_(status) {}
  int32_t status() const { return status_; }

 private:
  int32_t status_;  // MOLRT_ERROR_*
};

template <typename... Args>
[[noreturn]] void fail(int32_t status, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(status, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace molrt
