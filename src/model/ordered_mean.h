#pragma once
// The mean over a molecule's conformers.
#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

namespace molrt {

// Sums in the conformers' order, whatever order they come in from whatever thread, so that the
// bytes depend on neither. Holds the sum and what came too early.
class OrderedMean {
 public:
  explicit OrderedMean(size_t conformers) : conformers_(conformers) {}

  // The values of one conformer; none: it has no part in the mean. Adding a place again (after
  // memory ran out) changes nothing. True if all are there; mean() then holds until release().
  bool add(size_t place, std::vector<double> values);
  std::vector<double> mean() const;  // empty without any values
  void release();                    // nothing more comes of adding

 private:
  void take(std::vector<double> values);

  std::mutex mutex_;
  size_t conformers_, next_ = 0, taken_ = 0;
  bool released_ = false;
  std::map<size_t, std::vector<double>> early_;
  std::vector<double> sum_;
};

}  // namespace molrt
