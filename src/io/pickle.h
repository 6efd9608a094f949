#pragma once
// Python pickles as data: an interpreter of the opcodes that PyTorch and joblib write. Nothing is
// ever imported or called: what Python would construct becomes an inert node that says how.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"

namespace molrt {

enum class PickleKind : uint8_t {
  none,
  boolean,
  integer,
  big_integer,
  real,
  text,
  bytes,
  tuple,
  list,
  dict,
  set,
  global,         // module and name
  object,         // callable(*arguments), then state
  persistent_id,  // items[0] is the id
};

using PickleId = uint32_t;  // of a node in its Pickle

struct PickleNode {
  static constexpr PickleId absent = UINT32_MAX;

  explicit PickleNode(PickleKind node_kind) : kind(node_kind) {}

  PickleKind kind;
  uint32_t depth = 0;  // of what it contained when it was filled
  union {
    int64_t integer = 0;  // of an integer or boolean (0, 1)
    double real;
  };
  std::string_view text;        // of text, bytes, big_integer (two's complement)
  std::string_view module;      // of a global, whose name is `text`
  std::vector<PickleId> items;  // of a tuple, list, set; appended to an object
  std::vector<std::pair<PickleId, PickleId>> pairs;  // of a dict; set on an object (OrderedDict)
  PickleId callable = absent, arguments = absent, state = absent;  // of an object
};

// Nodes refer to each other by index and may share or even contain themselves, as in Python. Texts
// are views of what the source has read: they live as long as it.
struct Pickle {
  const PickleNode& root() const { return nodes[root_id]; }
  const PickleNode& node(PickleId id) const { return nodes[id]; }

  std::vector<PickleNode> nodes;
  PickleId root_id = 0;
  uint64_t length = 0;  // bytes up to and with STOP
};

// Reads the pickle at `offset`, which ends within `size` bytes, and nothing behind its STOP. FORMAT
// error naming `name` and the byte for a broken one, UNSUPPORTED for opcodes outside the list and
// for more than the limits of pickle.cpp allow.
// after_build, if there is one, is told of each object that was given a state and of the byte
// behind it, and returns how many bytes there belong to the object instead of the pickle (joblib).
using AfterBuild = std::function<uint64_t(const Pickle&, PickleId object, uint64_t position)>;
Pickle read_pickle(ByteSource& source, uint64_t offset, uint64_t size, const std::string& name,
                   const AfterBuild& after_build = {});

}  // namespace molrt
