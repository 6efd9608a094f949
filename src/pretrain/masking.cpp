#include "pretrain/masking.h"

#include <algorithm>
#include <numeric>

namespace molrt {
namespace {

constexpr int specials = 4;  // of a dictionary, in front

// What is drawn of a molecule, each from a stream of its own.
enum class Draw : uint32_t { count, order, kind, element, move };

class Draws {
 public:
  Draws(PhiloxKey key, uint32_t id) : key_(key), id_(id) {}
  uint32_t bits(Draw what, uint64_t index) const {
    return random_u32(key_, id_, static_cast<uint32_t>(what), random_purpose(Purpose::pretrain),
                      index);
  }
  double uniform(Draw what, uint64_t index) const { return random_uniform(bits(what, index)); }

 private:
  PhiloxKey key_;
  uint32_t id_;
};

// Tokens of the chosen atoms, ascending.
std::vector<int32_t> choose_atoms(size_t atoms, double rate, const Draws& draws) {
  const double wanted = rate * static_cast<double>(atoms) + draws.uniform(Draw::count, 0);
  const size_t count = std::min(static_cast<size_t>(wanted), atoms);
  std::vector<int32_t> tokens(atoms);
  std::iota(tokens.begin(), tokens.end(), 1);  // 0 is [CLS]
  std::sort(tokens.begin(), tokens.end(), [&](int32_t a, int32_t b) {
    const uint32_t x = draws.bits(Draw::order, a), y = draws.bits(Draw::order, b);
    return x != y ? x < y : a < b;
  });
  tokens.resize(count);
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

int32_t random_element(const Dictionary& dictionary, double uniform) {
  const int elements = dictionary.size() - 1 - specials;  // without [MASK]
  return specials + std::min(static_cast<int>(uniform * elements), elements - 1);
}

void move(float* atom, double noise, int32_t token, const Draws& draws) {
  for (int axis = 0; axis < 3; ++axis)
    atom[axis] += static_cast<float>(noise * (2 * draws.uniform(Draw::move, 3 * token + axis) - 1));
}

}  // namespace

MaskedMolecule mask_molecule(const Features& molecule, const Dictionary& dictionary,
                             const MaskSettings& settings, PhiloxKey key, uint32_t id) {
  const Draws draws(key, id);
  MaskedMolecule masked{molecule, molecule.coordinates, {}, {}};
  masked.chosen = choose_atoms(molecule.atoms.size(), settings.rate, draws);
  for (const int32_t token : masked.chosen) {
    int32_t& element = masked.noised.tokens[token];
    masked.targets.push_back(element);
    const double kind = draws.uniform(Draw::kind, token);
    if (kind < settings.keep) continue;
    element = kind < settings.keep + settings.random
                  ? random_element(dictionary, draws.uniform(Draw::element, token))
                  : dictionary.mask();
    move(masked.noised.coordinates.data() + 3 * token, settings.noise, token, draws);
  }
  return masked;
}

}  // namespace molrt
