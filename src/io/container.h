#pragma once
// The container's metadata <-> a model's card (FORMAT.md). Internal to io/.
#include <map>
#include <string>

#include "model/card.h"

namespace molrt {

using Metadata = std::map<std::string, std::string>;

bool is_container(const Metadata& metadata);
// FORMAT error naming `file`, the key, what was expected and what was found.
ModelCard card_from_metadata(const Metadata& metadata, const std::string& file);
Metadata metadata_from_card(const ModelCard& card);

}  // namespace molrt
