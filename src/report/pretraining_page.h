#pragma once
// A pre-training run for people: its curves, what it saw, and how it was set.
#include <string>

#include "pretrain/pretraining.h"

namespace molrt {

std::string pretraining_page(const Pretraining& run);

}  // namespace molrt
