// models/mol.dict.txt and models/oled.dict.txt, so that the library needs no files beside it.
#include "features/dictionary.h"

namespace molrt {
namespace {

constexpr const char* molecule_text =
    "[PAD]\n[CLS]\n[SEP]\n[UNK]\n"
    "C\nN\nO\nS\nH\nCl\nF\nBr\nI\nSi\nP\nB\nNa\nK\nAl\nCa\nSn\nAs\nHg\nFe\nZn\nCr\nSe\nGd\n"
    "Au\nLi\n";

constexpr const char* oled_text =
    "[PAD]\n[CLS]\n[SEP]\n[UNK]\n"
    "O\nH\nF\nS\nLi\nP\nN\nMg\nC\nSi\nCl\nFe\nMn\nB\nSe\nAl\nCo\nNa\nV\nNi\nCu\nK\nCa\nBa\n"
    "Ti\nZn\nGe\nSr\nI\nBr\nTe\nCr\nMo\nSb\nGa\nSn\nBi\nLa\nAs\nNb\nRb\nW\nY\nIn\nCs\nAg\n"
    "Zr\nCd\nPb\nNd\nTa\nCe\nPd\nPr\nSm\nRh\nHg\nTl\nPt\nEr\nTb\nRu\nSc\nU\nDy\nHo\nAu\nHf\n"
    "Yb\nIr\nBe\nEu\nTm\nRe\nLu\nGd\nOs\nTh\nTc\nPu\nNp\nPm\nXe\nAc\nPa\nKr\nHe\nNe\nAr\n";

}  // namespace

const char* Dictionary::shipped_text(int vocabulary) {
  if (vocabulary == 31) return molecule_text;
  if (vocabulary == 94) return oled_text;
  return nullptr;
}

}  // namespace molrt
