#pragma once
// The one way in and out of the C boundary: exceptions become statuses, structs of other versions
// are read and written as far as both sides know them (molrt.h, conventions 1, 2 and 6).
#include <algorithm>
#include <cstring>
#include <string>

#include "base/error.h"

namespace molrt::api {

void set_last_error(const char* text) noexcept;
void clear_last_error() noexcept;
int32_t keep_current_exception() noexcept;  // inside a catch block: its status

// Runs body(); nothing it throws leaves.
template <typename Body>
int32_t guarded(Body&& body) noexcept {
  clear_last_error();
  try {
    body();
    return MOLRT_OK;
  } catch (...) {
    return keep_current_exception();
  }
}

template <typename T>
T& require(T* pointer, const char* name) {
  if (!pointer) fail(MOLRT_ERROR_INVALID_ARGUMENT, "{} is NULL", name);
  return *pointer;
}

inline void require_range(const char* name, int64_t value, int64_t smallest, int64_t largest) {
  if (value < smallest || value > largest)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "{} = {}: expected {} to {}", name, value, smallest,
         largest);
}

void check_struct_size(const char* name, size_t size);
void check_unknown_tail(const char* name, const void* user, size_t size, size_t known);

// The caller's options over the defaults.
template <typename Struct>
Struct read_struct(const Struct* user, const Struct& defaults, const char* name) {
  if (!user) return defaults;
  check_struct_size(name, user->struct_size);
  check_unknown_tail(name, user, user->struct_size, sizeof(Struct));
  Struct options = defaults;
  std::memcpy(&options, user, std::min<size_t>(user->struct_size, sizeof(Struct)));
  return options;
}

// value -> the caller's struct, whose own struct_size stays; what only the caller knows becomes 0.
template <typename Struct>
void write_struct(const Struct& value, Struct* user, size_t size, const char* name) {
  require(user, name);
  check_struct_size(name, size);
  std::memset(static_cast<void*>(user), 0, size);
  std::memcpy(static_cast<void*>(user), &value, std::min(size, sizeof(Struct)));
  user->struct_size = static_cast<uint32_t>(size);
}

template <typename Struct>
int32_t init_struct(Struct* user, size_t size, const Struct& defaults, const char* name) noexcept {
  return guarded([&] { write_struct(defaults, user, size, name); });
}

// Convention 5 of molrt.h.
void write_text(const std::string& text, char* buffer, size_t capacity, size_t* needed);

}  // namespace molrt::api
