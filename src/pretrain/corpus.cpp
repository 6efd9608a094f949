#include "pretrain/corpus.h"

#include <cstring>

#include "base/crc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "chem/canonical.h"

namespace molrt {
namespace {

template <typename T>
void put(std::string& record, const T* values, size_t count) {
  record.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

template <typename T>
void take(const char*& from, T* values, size_t count) {
  std::memcpy(values, from, count * sizeof(T));
  from += count * sizeof(T);
}

struct RecordHead {
  uint32_t atoms, conformers;
  size_t bytes(size_t targets) const {
    return sizeof *this + targets * sizeof(float) + atoms +
           size_t{3} * atoms * conformers * sizeof(float);
  }
};

std::string record_of(const CorpusMolecule& m) {
  const RecordHead head{static_cast<uint32_t>(m.atomic_numbers.size()),
                        static_cast<uint32_t>(m.conformers.size())};
  std::string record;
  put(record, &head, 1);
  put(record, m.labels.data(), m.labels.size());
  put(record, m.atomic_numbers.data(), m.atomic_numbers.size());
  for (const auto& conformer : m.conformers) put(record, conformer.data(), conformer.size());
  return record;
}

// What a molecule turns out to be.
struct Found {
  bool excluded = false;
  std::string constitution, problem;
};

}  // namespace

Features corpus_features(const CorpusMolecule& molecule, size_t conformer, const Model& model) {
  return make_features({molecule.atomic_numbers, molecule.conformers[conformer],
                        std::vector<int32_t>(molecule.atomic_numbers.size(), 0)},
                       model.dictionary(), model.feature_options());
}

void Corpus::exclude(const std::string& smiles) { excluded_.insert(constitution_smiles(smiles)); }

Corpus::Added& Corpus::Added::operator+=(const Added& more) {
  if (unusable == 0) first_unusable = more.first_unusable;
  used += more.used;
  excluded += more.excluded;
  unusable += more.unusable;
  return *this;
}

Corpus::Added Corpus::add(const std::vector<CorpusMolecule>& molecules, const Model& model,
                          int threads) {
  for (const CorpusMolecule& molecule : molecules)
    if (excludes() && molecule.text.text.empty())
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "a molecule without SMILES cannot be told from those that are excluded");
  std::vector<Found> found(molecules.size());
  parallel_for(threads, molecules.size(), [&](size_t i, int) {
    const CorpusMolecule& m = molecules[i];
    try {
      if (!m.text.text.empty()) found[i].constitution = constitution_smiles(m.text);
      for (size_t k = 0; k < m.conformers.size() && found[i].problem.empty(); ++k)
        found[i].problem = corpus_features(m, k, model).message;
    } catch (const Error& e) {
      found[i].problem = e.what();
    }
    found[i].excluded = excluded_.contains(found[i].constitution);
  });
  Added added;
  for (size_t i = 0; i < molecules.size(); ++i) {
    if (found[i].excluded) {
      ++added.excluded;
    } else if (!found[i].problem.empty() || molecules[i].conformers.empty()) {
      if (added.unusable++ == 0) added.first_unusable = found[i].problem;
    } else {
      ++added.used;
      append(molecules[i], found[i].constitution);
    }
  }
  file_.flush();
  return added;
}

void Corpus::go_back(const Mark& mark) {
  index_.resize(mark.size);
  crc_ = mark.crc;
}

void Corpus::append(const CorpusMolecule& molecule, const std::string& constitution) {
  const std::string record = record_of(molecule);
  crc_ = crc32(record, crc_);
  index_.push_back({file_.size(), fnv1a(constitution.empty() ? record : constitution)});
  file_.write(record.data(), record.size());
}

CorpusMolecule Corpus::read(size_t molecule) const {
  const uint64_t offset = index_[molecule].offset;
  RecordHead head{};
  file_.read_at(offset, reinterpret_cast<char*>(&head), sizeof head);
  std::string record(head.bytes(targets_), '\0');
  if (file_.read_at(offset, record.data(), record.size()) != record.size())
    fail(MOLRT_ERROR_IO, "the temporary file of the molecules ends too early");
  const char* from = record.data() + sizeof head;
  CorpusMolecule m;
  m.labels.resize(targets_);
  m.atomic_numbers.resize(head.atoms);
  m.conformers.assign(head.conformers, std::vector<float>(size_t{3} * head.atoms));
  take(from, m.labels.data(), targets_);
  take(from, m.atomic_numbers.data(), head.atoms);
  for (auto& conformer : m.conformers) take(from, conformer.data(), conformer.size());
  return m;
}

}  // namespace molrt
