#include "api/guard.h"

#include <new>

#include "base/text.h"

namespace molrt::api {
namespace {

constexpr size_t largest_struct = 1 << 16;  // more is garbage, not a newer client

struct LastError {
  std::string text;
  const char* fixed = nullptr;  // where memory for the text could not be had
};
thread_local LastError last_error;

}  // namespace

void set_last_error(const char* text) noexcept {
  last_error.fixed = nullptr;
  try {
    last_error.text = as_utf8(text);
  } catch (...) {
    last_error.fixed = "out of memory";
  }
}

void clear_last_error() noexcept {
  last_error.fixed = nullptr;
  last_error.text.clear();
}

int32_t keep_current_exception() noexcept {
  try {
    throw;
  } catch (const Error& e) {
    set_last_error(e.what());
    return e.status();
  } catch (const std::bad_alloc&) {
    set_last_error("out of memory");
    return MOLRT_ERROR_OUT_OF_MEMORY;
  } catch (const std::exception& e) {
    set_last_error(e.what());
    return MOLRT_ERROR_INTERNAL;
  } catch (...) {
    set_last_error("an exception of unknown type");
    return MOLRT_ERROR_INTERNAL;
  }
}

void check_struct_size(const char* name, size_t size) {
  if (size < sizeof(uint32_t) || size > largest_struct)
    fail(MOLRT_ERROR_INVALID_ARGUMENT,
         "{}: struct_size = {}: expected sizeof(the struct); call its init", name, size);
}

void check_unknown_tail(const char* name, const void* user, size_t size, size_t known) {
  const char* bytes = static_cast<const char*>(user);
  for (size_t i = known; i < size; ++i)
    if (bytes[i] != 0)
      fail(MOLRT_ERROR_UNSUPPORTED,
           "{}: byte {} is set, but this library (molrt {}) knows only {} bytes of the struct",
           name, i, molrt_version_text(), known);
}

void write_text(const std::string& text, char* buffer, size_t capacity, size_t* needed) {
  require(needed, "needed");
  *needed = text.size() + 1;
  if (!buffer && capacity != 0)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "buffer is NULL, capacity is not 0");
  if (!buffer) return;
  if (capacity < *needed)
    fail(MOLRT_ERROR_BUFFER_TOO_SMALL, "buffer has {} bytes, the text needs {}", capacity, *needed);
  std::memcpy(buffer, text.c_str(), *needed);
}

}  // namespace molrt::api

const char* molrt_last_error(void) {
  using molrt::api::last_error;
  return last_error.fixed ? last_error.fixed : last_error.text.c_str();
}
