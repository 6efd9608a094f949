#include "chem/rdkit_session.h"

#include <RDGeneral/RDLog.h>
#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <stdexcept>

#include "chem/embedding.h"
#include "chem/molecule.h"

namespace molrt {
namespace {

struct Silences {
  std::mutex mutex;
  int count = 0;
  std::unique_ptr<RDLog::LogStateSetter> disabled;
};

Silences& silences() {
  static Silences all;
  return all;
}

// Touches everything of RDKit that is loaded at first use: elements, torsion preferences, MMFF94's
// parameters, the depictor's tables.
void touch_tables() {
  const Molecule molecule = parse_molecule("CC(=O)Nc1ccccc1", {});
  RDKit::RWMol& graph = *molecule.graph;
  if (embed_etkdg(graph, {.seed = 42, .random_coordinates = false}, Deadline()))
    optimize_mmff(graph, Deadline());
  draw_2d(graph);
}

void load_tables() {
  try {
    touch_tables();
  } catch (const std::exception& e) {
    throw std::runtime_error(fmt::format(
        "its parameter tables cannot be read ({}); has std::locale::global a decimal comma?",
        e.what()));
  }
}

}  // namespace

LogSilence::LogSilence() {
  Silences& all = silences();
  std::lock_guard lock(all.mutex);
  if (all.count == 0) all.disabled = std::make_unique<RDLog::LogStateSetter>();
  ++all.count;
}

LogSilence::~LogSilence() {
  Silences& all = silences();
  std::lock_guard lock(all.mutex);
  if (--all.count == 0) all.disabled.reset();
}

RdkitSession::RdkitSession() {
  static std::once_flag loaded;
  std::call_once(loaded, load_tables);
}

}  // namespace molrt
