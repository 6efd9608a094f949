#pragma once
// What is set in RDKit, by whoever else uses it in this process or by the environment
// (RDK_USE_LEGACY_STEREO_PERCEPTION ...), and changes how molecules are read, embedded or drawn.
#include <string>

namespace molrt {

std::string rdkit_switches();  // a digit for each; they may change at any time

}  // namespace molrt
