// libFuzzer target: a MOL block on its whole way. The first byte chooses the options.
#include "molecule.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return molrt::fuzz::try_input(data, size, molrt::TextFormat::mol_block);
}
