#include "features/dictionary.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/error.h"
#include "chem/conformer.h"
#include "support/npz.h"

namespace molrt {
namespace {

constexpr const char* specials = "[PAD]\n[CLS]\n[SEP]\n[UNK]\n";

Dictionary parse(const std::string& text, TokenLayout layout = TokenLayout::file_order) {
  return Dictionary::parse(text, "test.dict", layout);
}

Dictionary shipped(int vocabulary, TokenLayout layout = TokenLayout::file_order) {
  return parse(Dictionary::shipped_text(vocabulary), layout);
}

void expect_error(const std::string& text, const std::string& reason) {
  try {
    parse(text);
    FAIL() << "no error for: " << text;
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), MOLRT_ERROR_FORMAT);
    EXPECT_NE(std::string(e.what()).find("test.dict" + reason), std::string::npos) << e.what();
  }
}

TEST(Dictionary, ShippedTextsAreTheFiles) {
  for (const auto& [vocabulary, name] : {std::pair{31, "mol"}, std::pair{94, "oled"}}) {
    const std::string path =
        test::golden_path(std::string("../../../models/") + name + ".dict.txt");
    std::ifstream stream(path);
    std::stringstream file;
    file << stream.rdbuf() << "\n";
    EXPECT_EQ(file.str(), Dictionary::shipped_text(vocabulary)) << path;
    EXPECT_EQ(shipped(vocabulary).size(), vocabulary);
  }
  EXPECT_EQ(Dictionary::shipped_text(30), nullptr);
}

TEST(Dictionary, SpecialTokensByLayout) {
  const Dictionary file_order = shipped(31);
  EXPECT_EQ(file_order.pad(), 0);
  EXPECT_EQ(file_order.cls(), 1);
  EXPECT_EQ(file_order.sep(), 2);
  EXPECT_EQ(file_order.unknown(), 3);
  const Dictionary first = shipped(31, TokenLayout::specials_first);
  EXPECT_EQ(first.pad(), 2);
  EXPECT_EQ(first.cls(), 0);
  EXPECT_EQ(first.sep(), 3);
  EXPECT_EQ(first.unknown(), 1);
  for (const Dictionary& dictionary : {file_order, first}) {
    EXPECT_EQ(dictionary.mask(), 30);
    EXPECT_EQ(dictionary.token(6), 4);
    EXPECT_EQ(dictionary.token(3), 29);
    EXPECT_EQ(dictionary.token(0), dictionary.unknown());
    EXPECT_EQ(dictionary.token(255), dictionary.unknown());
    EXPECT_FALSE(dictionary.contains(78));
    EXPECT_TRUE(dictionary.contains(1));
  }
}

TEST(Dictionary, ElementsAreWithoutSpecialTokens) {
  const Dictionary oled = shipped(94);
  EXPECT_EQ(oled.elements().size(), 89u);
  EXPECT_EQ(oled.elements().front(), "O");
  EXPECT_EQ(oled.elements().back(), "Ar");
  EXPECT_EQ(oled.symbols().front(), "[PAD]");
  EXPECT_EQ(oled.symbols().back(), "[MASK]");
}

TEST(Dictionary, CountsAndForeignLineEndsAreRead) {
  const Dictionary dictionary =
      parse("[PAD] 1\r\n[CLS] 1\r\n[SEP] 1\r\n[UNK] 1\r\nC 123456\r\nN 7\r\n\r\n");
  EXPECT_EQ(dictionary.elements(), (std::vector<std::string>{"C", "N"}));
  EXPECT_EQ(dictionary.token(7), 5);
}

TEST(Dictionary, NamesThatAreNoElementsMatchNoAtom) {
  const Dictionary pocket = parse(std::string(specials) + "CA\nD\nC\nH\nHA");
  EXPECT_EQ(pocket.size(), 10);
  EXPECT_EQ(pocket.token(1), 7);  // H, not D
  EXPECT_EQ(pocket.token(6), 6);
  EXPECT_FALSE(pocket.contains(20));  // Ca
  EXPECT_FALSE(pocket.contains(atomic_number("*")));
}

TEST(Dictionary, BrokenFilesAreRefused) {
  expect_error("", ": expected 4 to 4096 lines");
  expect_error("[PAD]\n[CLS]\n[SEP]\n", ": expected 4 to 4096 lines");
  expect_error("[CLS]\n[PAD]\n[SEP]\n[UNK]\nC\n", ", line 1: expected [PAD], found \"[CLS]\"");
  expect_error("C\nN\nO\nS\nH\n", ", line 1: expected [PAD]");
  expect_error(specials + std::string("C\nN\nC\n"), ", line 7: \"C\" stands there twice");
  expect_error(specials + std::string("C\n\nN\n"), ", line 6: expected a symbol");
  expect_error(specials + std::string("C x\n"), ", line 5: expected a symbol and perhaps a count");
  expect_error(specials + std::string("[MASK]\n"), ", line 5: [MASK] is appended");
  expect_error(std::string(100'000, '\n') + "C", ": expected 4 to 4096 lines");
  expect_error(specials + std::string(100'000, ' '), ", line 5");
}

}  // namespace
}  // namespace molrt
