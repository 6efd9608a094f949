#pragma once
// joblib's files as data: a pickle in which each numpy array is a wrapper object, behind whose
// BUILD the raw numbers follow in the stream. Nothing is executed (pickle.h).
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/pickle.h"

namespace molrt {

struct NumberArray {
  std::vector<int64_t> shape;  // empty: a single number
  std::vector<double> values;  // row-major
};

class Joblib {
 public:
  // UNSUPPORTED for compressed files and for arrays of anything but f4, f8, i4, i8 in this byte
  // order; FORMAT for broken ones.
  explicit Joblib(ByteSource& source);

  const Pickle& pickle() const { return pickle_; }
  const PickleNode& root() const { return pickle_.root(); }
  const std::string& file() const { return file_; }
  // An array or a number, wrapped or pickled as numpy does it itself; empty for anything else.
  std::optional<NumberArray> numbers(PickleId id) const;
  // "module.name" of the class or function that would make an object; "" for no such object.
  std::string class_of(PickleId id) const;
  // The value under a text key of a dict, or of an object's state; empty if it is not there.
  std::optional<PickleId> find(PickleId id, std::string_view key) const;

 private:
  std::optional<std::string> bytes(PickleId id) const;
  uint64_t read_array(ByteSource& source, const Pickle& pickle, PickleId object, uint64_t position);

  std::string file_;
  Pickle pickle_;
  std::map<PickleId, NumberArray> arrays_;  // of the wrappers
};

}  // namespace molrt
