#include <GraphMol/PeriodicTable.h>

#include <map>
#include <string>

#include "chem/conformer.h"

namespace molrt {
namespace {

constexpr unsigned heaviest = 118;  // oganesson

std::map<std::string, uint8_t, std::less<>> read_symbols() {
  std::map<std::string, uint8_t, std::less<>> numbers{{"D", 1}, {"T", 1}};
  const RDKit::PeriodicTable* table = RDKit::PeriodicTable::getTable();
  for (unsigned z = 1; z <= heaviest; ++z)
    numbers[table->getElementSymbol(z)] = static_cast<uint8_t>(z);
  return numbers;
}

}  // namespace

uint8_t atomic_number(std::string_view symbol) {
  static const auto numbers = read_symbols();
  const auto found = numbers.find(symbol);
  return found == numbers.end() ? 0 : found->second;
}

std::string element_symbol(uint8_t atomic_number) {
  if (atomic_number == 0 || atomic_number > heaviest) return "*";
  return RDKit::PeriodicTable::getTable()->getElementSymbol(atomic_number);
}

}  // namespace molrt
