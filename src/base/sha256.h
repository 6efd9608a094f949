#pragma once
// SHA-256 of a whole file or memory, by OpenSSL.
#include <string>

#include "base/file.h"

namespace molrt {

std::string sha256(ByteSource& source);  // 64 hexadecimal digits

}  // namespace molrt
