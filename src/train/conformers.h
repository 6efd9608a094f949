#pragma once
// Several conformers a molecule in training: a random one in each epoch, the mean over all where
// predictions are made (spec: regularisers.md 0a, Randomness).
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace molrt {

// The masks' counter has 6 bits for the conformer and 26 for the row.
constexpr size_t most_training_conformers = 64;

// Rows without labels are numbered from here on, so that the masks' counter has its bit 25 set.
constexpr size_t first_unlabelled_row = size_t{1} << 25;

struct RowConformer {
  size_t row;
  uint32_t conformer;  // of the row's usable ones, from 0
  // The masks' molecule.
  uint32_t molecule() const { return conformer << 26 | static_cast<uint32_t>(row); }
};

std::vector<uint32_t> molecules_of(std::span<const RowConformer> items);
std::vector<size_t> rows_of(std::span<const RowConformer> items);

// The conformers of all rows, one row's behind the other's.
class ConformerTable {
 public:
  ConformerTable() = default;  // one of each row
  // UNSUPPORTED if a row has more than most_training_conformers.
  // [rows], and of the unlabelled ones, whose places come behind.
  explicit ConformerTable(std::span<const size_t> counts,
                          std::span<const size_t> unlabelled = {});

  size_t count(size_t row) const;
  size_t place(RowConformer item) const;  // among all
  std::vector<RowConformer> all(std::span<const size_t> rows) const;
  // One of each row: the same whatever the batches and their order.
  std::vector<RowConformer> choose(std::span<const size_t> rows, uint64_t seed,
                                   uint32_t epoch) const;
  // values [all(rows), width] -> [rows, width]: each row's mean in the conformers' order, as
  // predictions take it (model/ordered_mean.h).
  std::vector<double> means(std::span<const size_t> rows, std::span<const float> values,
                            size_t width) const;

 private:
  size_t line(size_t row) const;  // among the labelled rows and then the others
  std::vector<size_t> first_;     // [lines + 1]; empty: one of each row
  size_t labelled_ = 0;
};

}  // namespace molrt
