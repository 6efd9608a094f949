#pragma once
// The official weight files: what they are and were trained with, which their tensors cannot say
// (spec: checkpoints.md, Official files), and whether a file is one of them.
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/file.h"
#include "model/card.h"

namespace molrt {

struct OfficialFile {
  std::string_view name;
  std::string_view trained_on;
  uint64_t bytes;
  uint64_t bytes_margin;    // how far the size may be off: its home shows some in MB only; 0: exact
  std::string_view sha256;  // "": not known
  PairKernel kernel;
  int vocabulary;               // with [MASK]
  std::string_view dictionary;  // its file's name, at the same home
  Hydrogens hydrogens;
  TokenLayout layout;
};

std::span<const OfficialFile> official_files();
// Where it can be downloaded; molrt never does.
std::string github_url(const OfficialFile& file);
std::string hugging_face_url(const OfficialFile& file);
std::string size_text(const OfficialFile& file);      // "190540187 bytes", "about 324 MB"
std::string training_text(const OfficialFile& file);  // "no hydrogens, mol.dict.txt, file order"

// What a file is by its name and by its contents, which are read only where they can tell
// something.
struct Identity {
  const OfficialFile* named = nullptr;     // whose name it bears
  const OfficialFile* verified = nullptr;  // whose SHA-256 it has
  std::string sha256;                      // "": it was not needed
  std::string
      problem;  // why it cannot be the file whose name it bears; "": nothing speaks against it
  const OfficialFile* official() const { return verified ? verified : named; }
};
Identity identify(ByteSource& source, std::span<const OfficialFile> files);

}  // namespace molrt
