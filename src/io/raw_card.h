#pragma once
// The card of weights that carry nothing but tensors: the rest is inferred, known (of an official
// file), given, or assumed aloud.
#include <optional>
#include <string>

#include "base/file.h"
#include "base/tensor.h"
#include "io/known_weights.h"
#include "io/open_options.h"
#include "model/card.h"

namespace molrt {

void tell_identity(const Identity& identity, const std::string& file, const Log& log);

ModelCard card_for_raw_weights(const ByteSource& source, const TensorMap& tensors,
                               const OpenOptions& options, const Identity& identity,
                               const Log& log);

// The dictionary that weights of this vocabulary have unless their user says otherwise. `file` is
// where they are (nullopt: in memory), official: what they are known as, or nullptr. "": there is
// none of this size, and the options name one.
std::string usual_dictionary(const std::optional<std::string>& file, const OpenOptions& options,
                             int vocabulary, const OfficialFile* official, const Log& log);

// Tells of tensors that no part of the network reads, such as another model's.
void report_unused(const TensorMap& tensors, const Architecture& a, const std::string& file,
                   const Log& log);

}  // namespace molrt
