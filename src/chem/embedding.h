#pragma once
// The rungs of the ladder (spec: model.md section 1): each puts one conformer on the molecule, in
// place of any other. Must run inside an RdkitSession. What RDKit throws passes through.
#include <GraphMol/RWMol.h>

#include <chrono>
#include <functional>
#include <optional>

namespace molrt {

// A moment that work must not outlive, or a stop that somebody asks for.
class Deadline {
 public:
  Deadline() = default;  // never
  // From now; 0 seconds: never. `stop`, if any, is asked whenever the clock is.
  explicit Deadline(double seconds, std::function<bool()> stop = {});
  bool passed() const;

 private:
  std::optional<std::chrono::steady_clock::time_point> end_;
  std::function<bool()> stop_;
};

struct DeadlinePassed {};  // thrown by the rungs

struct EtkdgOptions {
  int seed = 42;
  bool random_coordinates = false;
};

// False if RDKit finds no embedding. The deadline is looked at before each of RDKit's attempts (ten
// an atom). Throwing it out of RDKit 2022.09 leaves its random number generator behind: some 50
// bytes.
bool embed_etkdg(RDKit::RWMol& molecule, const EtkdgOptions& options, const Deadline& deadline);

// MMFF94, 200 iterations; false, and nothing changed, without parameters for the molecule. The
// deadline is looked at in each iteration.
bool optimize_mmff(RDKit::RWMol& molecule, const Deadline& deadline);

void draw_2d(RDKit::RWMol& molecule);

}  // namespace molrt
