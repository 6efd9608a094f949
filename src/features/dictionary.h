#pragma once
// Elements -> token ids (spec: model.md section 2).
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace molrt {

// Order of the special tokens' ids; atoms and [MASK] have the same ids in both.
enum class TokenLayout {
  file_order = 1,      // [PAD] [CLS] [SEP] [UNK] = 0 1 2 3: how the weights were trained
  specials_first = 2,  // 2 0 3 1: unimol_tools 0.1.5 and later
};

class Dictionary {
 public:
  // The text of a dict.txt: one symbol a line (a count may follow), the four specials first, [MASK]
  // not among them (it is appended). FORMAT error naming `name` and the line otherwise.
  static Dictionary parse(std::string_view text, std::string_view name, TokenLayout layout);
  // The shipped ones: 31 (molecule) and 94 (oled); nullptr for another vocabulary size.
  static const char* shipped_text(int vocabulary);

  int size() const { return static_cast<int>(symbols_.size()); }  // V, with [MASK]
  int pad() const;
  int cls() const;
  int sep() const;
  int unknown() const;
  int mask() const { return size() - 1; }
  // unknown() for an element that is absent.
  int token(uint8_t atomic_number) const { return token_of_[atomic_number]; }
  bool contains(uint8_t atomic_number) const { return token(atomic_number) != unknown(); }
  const std::vector<std::string>& symbols() const { return symbols_; }  // file order, with [MASK]
  std::vector<std::string> elements() const;                            // without the special ones

 private:
  TokenLayout layout_ = TokenLayout::file_order;
  std::vector<std::string> symbols_;
  std::array<int, 256> token_of_{};
};

}  // namespace molrt
