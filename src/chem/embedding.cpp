#include "chem/embedding.h"

#include <ForceField/Contrib.h>
#include <ForceField/ForceField.h>
#include <GraphMol/Depictor/RDDepictor.h>
#include <GraphMol/DistGeomHelpers/Embedder.h>
#include <GraphMol/ForceFieldHelpers/MMFF/AtomTyper.h>
#include <GraphMol/ForceFieldHelpers/MMFF/Builder.h>

#include <algorithm>
#include <memory>

namespace molrt {
namespace {

// RDKit's callback takes no user data; the embedding runs in the thread that asked for it.
thread_local const Deadline* embedding_deadline = nullptr;

class EmbeddingDeadline {
 public:
  explicit EmbeddingDeadline(const Deadline& deadline) { embedding_deadline = &deadline; }
  ~EmbeddingDeadline() { embedding_deadline = nullptr; }
};

void check_embedding_deadline(unsigned) {
  if (embedding_deadline->passed()) throw DeadlinePassed{};
}

// The defaults of the peer's call, written out where versions of RDKit differ.
RDKit::DGeomHelpers::EmbedParameters etkdg_parameters(const EtkdgOptions& options) {
  RDKit::DGeomHelpers::EmbedParameters parameters;
  parameters.randomSeed = options.seed;
  parameters.useRandomCoords = options.random_coordinates;
  parameters.useExpTorsionAnglePrefs = true;
  parameters.useBasicKnowledge = true;
  parameters.ETversion = 1;
  parameters.onlyHeavyAtomsForRMS = false;
  parameters.useSmallRingTorsions = false;
  parameters.useMacrocycleTorsions = false;
  parameters.useMacrocycle14config = false;
  parameters.callback = check_embedding_deadline;
  return parameters;
}

// A term of a force field that adds nothing until the deadline; then it clears the gradient, which
// ends the minimisation at once. (RDKit's minimiser leaks its matrix if a term throws.) Not the
// first gradient: RDKit's line search fails without a direction. Must come last.
class DeadlineTerm : public ForceFields::ForceFieldContrib {
 public:
  DeadlineTerm(ForceFields::ForceField* owner, const Deadline& deadline)
      : ForceFieldContrib(owner), deadline_(deadline) {}
  double getEnergy(double*) const override { return 0; }
  void getGrad(double*, double* gradient) const override {
    if (started_ && deadline_.passed())
      std::fill_n(gradient, size_t{dp_forceField->dimension()} * dp_forceField->numPoints(), 0.0);
    started_ = true;
  }
  DeadlineTerm* copy() const override { return new DeadlineTerm(*this); }

 private:
  const Deadline& deadline_;
  mutable bool started_ = false;  // RDKit's interface is const
};

}  // namespace

namespace {

// As in C[H]->C. MMFF94 has no parameters for one, and RDKit 2022.09 crashes over it.
bool has_bridging_hydrogen(const RDKit::RWMol& molecule) {
  for (const RDKit::Atom* atom : molecule.atoms())
    if (atom->getAtomicNum() == 1 && atom->getDegree() > 1) return true;
  return false;
}

}  // namespace

Deadline::Deadline(double seconds, std::function<bool()> stop) : stop_(std::move(stop)) {
  using namespace std::chrono;
  constexpr double century = 3e9;  // longer limits would overflow the clock
  if (seconds > 0 && seconds < century)
    end_ = steady_clock::now() + duration_cast<steady_clock::duration>(duration<double>(seconds));
}

bool Deadline::passed() const {
  return (end_ && std::chrono::steady_clock::now() >= *end_) || (stop_ && stop_());
}

bool embed_etkdg(RDKit::RWMol& molecule, const EtkdgOptions& options, const Deadline& deadline) {
  if (deadline.passed()) throw DeadlinePassed{};
  const EmbeddingDeadline in_force(deadline);
  auto parameters = etkdg_parameters(options);
  return RDKit::DGeomHelpers::EmbedMolecule(molecule, parameters) >= 0;
}

bool optimize_mmff(RDKit::RWMol& molecule, const Deadline& deadline) {
  if (deadline.passed()) throw DeadlinePassed{};
  if (has_bridging_hydrogen(molecule)) return false;
  RDKit::MMFF::MMFFMolProperties properties(molecule, "MMFF94");
  if (!properties.isValid()) return false;
  const std::unique_ptr<ForceFields::ForceField> field(
      RDKit::MMFF::constructForceField(molecule, &properties, 100.0));
  // Without terms RDKit does not minimise; with DeadlineTerm alone its line search would fail.
  if (!field->contribs().empty())
    field->contribs().emplace_back(new DeadlineTerm(field.get(), deadline));
  field->initialize();
  field->minimize(200);
  if (deadline.passed()) throw DeadlinePassed{};
  return true;
}

void draw_2d(RDKit::RWMol& molecule) { RDDepict::compute2DCoords(molecule, nullptr, true); }

}  // namespace molrt
