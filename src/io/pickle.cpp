#include "io/pickle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "base/error.h"

namespace molrt {
namespace {

// Far above what a trainer checkpoint needs (some ten thousand nodes), far below what hurts.
constexpr uint64_t most_bytes = 64 << 20;
constexpr size_t most_nodes = 1'000'000;
constexpr uint32_t most_depth = 200;
constexpr uint8_t stop = '.';

class Interpreter {
 public:
  Interpreter(ByteSource& source, uint64_t offset, uint64_t size, const std::string& name,
              const AfterBuild& after_build)
      : source_(source),
        offset_(offset),
        size_(std::min(size, most_bytes)),
        cut_(size > most_bytes),
        name_(name),
        after_build_(after_build) {}

  Pickle run() {
    while (true) {
      start_ = position_;
      const auto opcode = number<uint8_t>();
      if (opcode == stop) break;
      execute(opcode);
    }
    pickle_.root_id = pop();
    pickle_.length = position_;
    return std::move(pickle_);
  }

 private:
  void execute(uint8_t opcode) {
    if (!scalar(opcode) && !memory(opcode) && !container(opcode) && !construction(opcode)) {
      fail(MOLRT_ERROR_UNSUPPORTED,
           "{}: pickle opcode 0x{:02x} at byte {} is none that PyTorch writes", name_, opcode,
           start_);
    }
  }

  // One opcode a line.
  // clang-format off
  bool scalar(uint8_t opcode) {
    switch (opcode) {
      case 'N': push(PickleNode(PickleKind::none)); return true;  // NONE
      case 0x88: push_integer(PickleKind::boolean, 1); return true;  // NEWTRUE
      case 0x89: push_integer(PickleKind::boolean, 0); return true;  // NEWFALSE
      case 'J': push_integer(PickleKind::integer, number<int32_t>()); return true;  // BININT
      case 'K': push_integer(PickleKind::integer, number<uint8_t>()); return true;  // BININT1
      case 'M': push_integer(PickleKind::integer, number<uint16_t>()); return true;  // BININT2
      case 0x8a: push_long(text(number<uint8_t>())); return true;  // LONG1
      case 'G': push_real(); return true;  // BINFLOAT
      case 'X': push_text(PickleKind::text, text(number<uint32_t>())); return true;  // BINUNICODE
      case 0x8c: push_text(PickleKind::text, text(number<uint8_t>())); return true;  // SHORT_BINUNICODE
      case 'U': push_text(PickleKind::text, text(number<uint8_t>())); return true;  // SHORT_BINSTRING
      case 'B': push_text(PickleKind::bytes, text(number<uint32_t>())); return true;  // BINBYTES
      case 0x8e: push_text(PickleKind::bytes, text(number<uint64_t>())); return true;  // BINBYTES8
      case 0x96: push_text(PickleKind::bytes, text(number<uint64_t>())); return true;  // BYTEARRAY8
      case 'C': push_text(PickleKind::bytes, text(number<uint8_t>())); return true;  // SHORT_BINBYTES
      default: return false;
    }
  }

  bool memory(uint8_t opcode) {
    switch (opcode) {
      case 0x80: check_protocol(number<uint8_t>()); return true;  // PROTO
      case 0x95: check_frame(number<uint64_t>()); return true;  // FRAME
      case '(': push_mark(); return true;  // MARK
      case 'q': memorise(number<uint8_t>()); return true;  // BINPUT
      case 'r': memorise(number<uint32_t>()); return true;  // LONG_BINPUT
      case 0x94: memorise(static_cast<uint32_t>(memo_.size())); return true;  // MEMOIZE
      case 'h': recall(number<uint8_t>()); return true;  // BINGET
      case 'j': recall(number<uint32_t>()); return true;  // LONG_BINGET
      default: return false;
    }
  }

  bool container(uint8_t opcode) {
    switch (opcode) {
      case ')': push_collection(PickleKind::tuple, {}); return true;  // EMPTY_TUPLE
      case ']': push_collection(PickleKind::list, {}); return true;  // EMPTY_LIST
      case '}': push_collection(PickleKind::dict, {}); return true;  // EMPTY_DICT
      case 0x8f: push_collection(PickleKind::set, {}); return true;  // EMPTY_SET
      case 't': push_collection(PickleKind::tuple, pop_to_mark()); return true;  // TUPLE
      case 0x85: push_collection(PickleKind::tuple, pop(1)); return true;  // TUPLE1
      case 0x86: push_collection(PickleKind::tuple, pop(2)); return true;  // TUPLE2
      case 0x87: push_collection(PickleKind::tuple, pop(3)); return true;  // TUPLE3
      case 'a': append(pop(1)); return true;  // APPEND
      case 'e': append(pop_to_mark()); return true;  // APPENDS
      case 0x90: append(pop_to_mark()); return true;  // ADDITEMS
      case 's': set_items(pop(2)); return true;  // SETITEM
      case 'u': set_items(pop_to_mark()); return true;  // SETITEMS
      default: return false;
    }
  }

  bool construction(uint8_t opcode) {
    switch (opcode) {
      case 'c': push_named_global(); return true;  // GLOBAL
      case 0x93: stack_global(); return true;  // STACK_GLOBAL
      case 'R': push_object(); return true;  // REDUCE
      case 0x81: push_object(); return true;  // NEWOBJ
      case 'b': build(); return true;  // BUILD
      case 'Q': push_collection(PickleKind::persistent_id, pop(1)); return true;  // BINPERSID
      default: return false;
    }
  }
  // clang-format on

  // ---- bytes
  [[noreturn]] void broken(const char* how) {
    fail(MOLRT_ERROR_FORMAT, "{}: broken pickle at byte {}: {}", name_, start_, how);
  }

  std::string_view text(uint64_t length) {
    if (length > size_ - position_) {
      if (cut_) too_much("bytes", most_bytes);
      broken("it ends early");
    }
    const auto bytes = source_.read(offset_ + position_, length, "pickle");
    position_ += length;
    return {reinterpret_cast<const char*>(bytes.data()), length};
  }

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, text(sizeof value).data(), sizeof value);
    return value;
  }

  // Up to the line's end, which is passed over.
  std::string_view line() {
    constexpr uint64_t longest = 256;  // of a module or class
    const uint64_t available = std::min(longest, size_ - position_);
    const auto bytes = source_.read(offset_ + position_, available, "pickle");
    const std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const size_t length = rest.find('\n');
    if (length == std::string_view::npos)
      broken(available < longest ? "it ends early" : "a name without an end");
    position_ += length + 1;
    return rest.substr(0, length);
  }

  void check_protocol(uint8_t protocol) {
    constexpr uint8_t newest = 5;
    if (protocol > newest) broken("unknown protocol");
  }

  void check_frame(uint64_t length) {
    if (length > size_ - position_) broken("a frame longer than the pickle");
  }

  // ---- stack and memo
  PickleNode& node(PickleId id) { return pickle_.nodes[id]; }

  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  void push_mark() {
    if (marks_.size() == most_depth) too_much("levels", most_depth);
    marks_.push_back(stack_.size());
  }

  PickleId top() {
    if (stack_.size() <= floor()) broken("the stack is empty");
    return stack_.back();
  }

  PickleId pop() {
    const PickleId id = top();
    stack_.pop_back();
    return id;
  }

  std::vector<PickleId> pop(size_t count) {
    if (stack_.size() - floor() < count) broken("the stack is empty");
    std::vector<PickleId> items(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }

  std::vector<PickleId> pop_to_mark() {
    if (marks_.empty()) broken("no mark on the stack");
    std::vector<PickleId> items = pop(stack_.size() - floor());
    marks_.pop_back();
    return items;
  }

  void memorise(uint32_t key) {
    memo_[key] = top();
    if (memo_.size() > most_nodes) too_much("memo entries", most_nodes);
  }

  void recall(uint32_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) broken("nothing in the memo under this key");
    stack_.push_back(found->second);
  }

  // ---- nodes
  [[noreturn]] void too_much(const char* what, uint64_t limit) {
    fail(MOLRT_ERROR_UNSUPPORTED, "{}: pickle with more than {} {}", name_, limit, what);
  }

  void push(PickleNode node) {
    if (pickle_.nodes.size() == most_nodes) too_much("objects", most_nodes);
    stack_.push_back(static_cast<PickleId>(pickle_.nodes.size()));
    pickle_.nodes.push_back(std::move(node));
  }

  void push_integer(PickleKind kind, int64_t value) {
    PickleNode node(kind);
    node.integer = value;
    push(std::move(node));
  }

  void push_text(PickleKind kind, std::string_view value) {
    PickleNode node(kind);
    node.text = value;
    push(std::move(node));
  }

  void push_long(std::string_view little_endian) {
    if (little_endian.size() > sizeof(int64_t))
      return push_text(PickleKind::big_integer, little_endian);
    const bool negative = !little_endian.empty() && (little_endian.back() & 0x80) != 0;
    int64_t value = negative ? -1 : 0;
    std::memcpy(&value, little_endian.data(), little_endian.size());
    push_integer(PickleKind::integer, value);
  }

  void push_real() {
    uint64_t bits = 0;
    for (const char byte : text(sizeof bits)) bits = bits << 8 | static_cast<uint8_t>(byte);
    PickleNode node(PickleKind::real);
    node.real = std::bit_cast<double>(bits);
    push(std::move(node));
  }

  // Depth is a limit for those who walk the nodes; here nothing recurses.
  void deepen(PickleNode& container, const std::vector<PickleId>& children) {
    for (const PickleId child : children) {
      container.depth = std::max(container.depth, node(child).depth + 1);
    }
    if (container.depth > most_depth) too_much("levels", most_depth);
  }

  void push_collection(PickleKind kind, std::vector<PickleId> items) {
    PickleNode node(kind);
    deepen(node, items);
    node.items = std::move(items);
    push(std::move(node));
  }

  void append(const std::vector<PickleId>& items) {
    PickleNode& list = node(top());
    const bool growing = list.kind == PickleKind::list || list.kind == PickleKind::set;
    if (!growing && list.kind != PickleKind::object) broken("no list to append to");
    deepen(list, items);
    list.items.insert(list.items.end(), items.begin(), items.end());
  }

  void set_items(const std::vector<PickleId>& items) {
    PickleNode& dict = node(top());
    if (dict.kind != PickleKind::dict && dict.kind != PickleKind::object) broken("no dict to fill");
    if (items.size() % 2 != 0) broken("a key without a value");
    deepen(dict, items);
    for (size_t i = 0; i < items.size(); i += 2) dict.pairs.emplace_back(items[i], items[i + 1]);
  }

  void push_global(std::string_view module, std::string_view name) {
    PickleNode node(PickleKind::global);
    node.module = module;
    node.text = name;
    push(std::move(node));
  }

  void push_named_global() {
    const std::string_view module = line();
    push_global(module, line());
  }

  void stack_global() {
    const PickleNode& name = node(pop());
    const PickleNode& module = node(pop());
    if (name.kind != PickleKind::text || module.kind != PickleKind::text)
      broken("a global without name");
    push_global(module.text, name.text);
  }

  void push_object() {
    const std::vector<PickleId> parts = pop(2);
    PickleNode node(PickleKind::object);
    deepen(node, parts);
    node.callable = parts[0];
    node.arguments = parts[1];
    push(std::move(node));
  }

  void build() {
    const std::vector<PickleId> state = pop(1);
    PickleNode& object = node(top());
    if (object.kind != PickleKind::object) broken("no object to give a state to");
    deepen(object, state);
    object.state = state[0];
    if (after_build_) skip(after_build_(pickle_, top(), offset_ + position_));
  }

  void skip(uint64_t length) {
    if (length > size_ - position_) broken("it ends early");
    position_ += length;
  }

  ByteSource& source_;
  uint64_t offset_, size_;
  bool cut_;  // the bytes go on beyond the limit
  const std::string& name_;
  const AfterBuild& after_build_;
  uint64_t position_ = 0, start_ = 0;  // start_: of the current opcode
  std::vector<PickleId> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  std::unordered_map<uint32_t, PickleId> memo_;
  Pickle pickle_;
};

}  // namespace

Pickle read_pickle(ByteSource& source, uint64_t offset, uint64_t size, const std::string& name,
                   const AfterBuild& after_build) {
  return Interpreter(source, offset, size, name, after_build).run();
}

}  // namespace molrt
