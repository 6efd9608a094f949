#include <gtest/gtest.h>

#include "chem/conformer.h"

namespace molrt {
namespace {

TEST(Element, NumbersOfSymbols) {
  EXPECT_EQ(atomic_number("H"), 1);
  EXPECT_EQ(atomic_number("D"), 1);
  EXPECT_EQ(atomic_number("T"), 1);
  EXPECT_EQ(atomic_number("Cl"), 17);
  EXPECT_EQ(atomic_number("Og"), 118);
  for (const char* unknown : {"", "*", "Xx", "CL", "cl", " C", "Uuo", "[MASK]", "\xc3\xa9"})
    EXPECT_EQ(atomic_number(unknown), 0) << unknown;
}

TEST(Element, SymbolsOfNumbers) {
  EXPECT_EQ(element_symbol(0), "*");
  EXPECT_EQ(element_symbol(255), "*");
  for (int z = 1; z <= 118; ++z)
    EXPECT_EQ(atomic_number(element_symbol(static_cast<uint8_t>(z))), z);
}

TEST(Rdkit, HasAVersion) { EXPECT_NE(rdkit_version().find("20"), std::string::npos); }

}  // namespace
}  // namespace molrt
