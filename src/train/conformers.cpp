#include "train/conformers.h"

#include "base/error.h"
#include "base/philox.h"

namespace molrt {

std::vector<uint32_t> molecules_of(std::span<const RowConformer> items) {
  std::vector<uint32_t> molecules;
  for (const RowConformer item : items) molecules.push_back(item.molecule());
  return molecules;
}

std::vector<size_t> rows_of(std::span<const RowConformer> items) {
  std::vector<size_t> rows;
  for (const RowConformer item : items) rows.push_back(item.row);
  return rows;
}

ConformerTable::ConformerTable(std::span<const size_t> counts, std::span<const size_t> unlabelled)
    : first_{0}, labelled_(counts.size()) {
  for (const auto& part : {counts, unlabelled})
    for (size_t row = 0; row < part.size(); ++row) {
      if (part[row] > most_training_conformers)
        fail(MOLRT_ERROR_UNSUPPORTED, "row {} has {} conformers; at most {} can be trained on",
             row + 1, part[row], most_training_conformers);
      first_.push_back(first_.back() + part[row]);
    }
}

size_t ConformerTable::line(size_t row) const {
  return row < first_unlabelled_row ? row : labelled_ + (row - first_unlabelled_row);
}

size_t ConformerTable::count(size_t row) const {
  return first_.empty() ? 1 : first_[line(row) + 1] - first_[line(row)];
}

size_t ConformerTable::place(RowConformer item) const {
  return first_.empty() ? item.row : first_[line(item.row)] + item.conformer;
}

std::vector<RowConformer> ConformerTable::all(std::span<const size_t> rows) const {
  std::vector<RowConformer> items;
  for (const size_t row : rows)
    for (uint32_t k = 0; k < count(row); ++k) items.push_back({row, k});
  return items;
}

// The multiplication's bias, at most 64 / 2^32, is harmless.
std::vector<RowConformer> ConformerTable::choose(std::span<const size_t> rows, uint64_t seed,
                                                 uint32_t epoch) const {
  const PhiloxKey key = random_key(seed, epoch);
  const uint32_t purpose = random_purpose(Purpose::conformer);
  std::vector<RowConformer> items;
  for (const size_t row : rows) {
    const uint64_t bits = random_u32(key, static_cast<uint32_t>(row), 0, purpose, 0);
    items.push_back({row, static_cast<uint32_t>(bits * count(row) >> 32)});
  }
  return items;
}

std::vector<double> ConformerTable::means(std::span<const size_t> rows,
                                          std::span<const float> values, size_t width) const {
  std::vector<double> means(rows.size() * width);
  const float* next = values.data();
  for (size_t i = 0; i < rows.size(); ++i) {
    double* mean = means.data() + i * width;
    for (size_t k = 0; k < count(rows[i]); ++k, next += width)
      for (size_t c = 0; c < width; ++c) mean[c] = k == 0 ? next[c] : mean[c] + next[c];
    for (size_t c = 0; c < width; ++c) mean[c] /= static_cast<double>(count(rows[i]));
  }
  return means;
}

}  // namespace molrt
