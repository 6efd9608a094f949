#pragma once
// The models that come with molrt, by their bare names.
#include <string>

namespace molrt {

// The file that `path` means: itself where there is one; else, for a bare name such as "molecule",
// the shipped model of that name, from beside the library (its installation's share/molrt/models).
// IO error for a bare name that is neither, with the names that are shipped.
std::string find_model(const std::string& path);

}  // namespace molrt
