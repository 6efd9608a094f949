#pragma once
// How weights are opened.
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "io/known_weights.h"
#include "model/card.h"

namespace molrt {

struct OpenOptions {
  std::optional<Hydrogens> hydrogens;  // what is given here wins over the file
  std::optional<TokenLayout> layout;
  std::optional<int> max_atoms;
  std::string dictionary_path;  // "": by the vocabulary's size, else beside the file
  std::optional<int> fold;      // one network of a k-fold model; else all
  std::span<const OfficialFile> official = official_files();  // tests have their own
};

// Told by MOLRT_LOG_*: NOTICE is what had to be assumed, so that the caller can override it,
// WARNING what contradicts what the file says or what is known of it.
using Log = std::function<void(int32_t level, const std::string& text)>;

}  // namespace molrt
