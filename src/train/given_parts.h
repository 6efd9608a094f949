#pragma once
// Parts that the user gave: a column's words, an index file.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "train/split.h"

namespace molrt {

// "train" or "training": MOLRT_PART_TRAIN; "valid", "validation", "val" or "dev": fold 0; "test":
// MOLRT_PART_TEST; a number from 0: that fold. In any case, blanks around it ignored.
// INVALID_ARGUMENT for anything else.
int32_t part_of_word(std::string_view word);

// How many folds `parts` hold out, 1 if none. INVALID_ARGUMENT naming the row of a part that is
// none, or the fold that has no row below another one.
size_t count_given_folds(std::span<const int32_t> parts);

// Takes out of a split the rows whose molecule is on two sides: out of what is trained on or held
// out if it is in the test, out of what is trained on if it is held out. molecules [rows of the
// table]. `left_out` gains them.
void separate_molecules(Split& split, std::span<const std::string> molecules,
                        std::vector<size_t>& left_out);

}  // namespace molrt
