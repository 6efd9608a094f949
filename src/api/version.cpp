#include <string>

#include "chem/conformer.h"
#include "kernels/matmul.h"
#include "molrt.h"

namespace {

#define MOLRT_TEXT_(x) #x
#define MOLRT_TEXT(x) MOLRT_TEXT_(x)
constexpr const char* version_text = MOLRT_TEXT(MOLRT_VERSION_MAJOR) "." MOLRT_TEXT(
    MOLRT_VERSION_MINOR) "." MOLRT_TEXT(MOLRT_VERSION_PATCH);

std::string build_info() {
  return std::string("molrt ") + version_text + ", RDKit " + molrt::rdkit_version() + ", oneDNN " +
         molrt::onednn_version() + " (" + molrt::onednn_isa() + ")";
}

}  // namespace

uint32_t molrt_version(void) {
  return MOLRT_VERSION_MAJOR * 1000000u + MOLRT_VERSION_MINOR * 1000u + MOLRT_VERSION_PATCH;
}

const char* molrt_version_text(void) { return version_text; }

const char* molrt_build_info(void) {
  try {
    static const std::string info = build_info();
    return info.c_str();
  } catch (...) {
    return version_text;
  }
}

const char* molrt_status_name(int32_t status) {
  switch (status) {
    case MOLRT_OK:
      return "ok";
    case MOLRT_ERROR_INVALID_ARGUMENT:
      return "invalid_argument";
    case MOLRT_ERROR_OUT_OF_MEMORY:
      return "out_of_memory";
    case MOLRT_ERROR_IO:
      return "io";
    case MOLRT_ERROR_FORMAT:
      return "format";
    case MOLRT_ERROR_UNSUPPORTED:
      return "unsupported";
    case MOLRT_ERROR_BUFFER_TOO_SMALL:
      return "buffer_too_small";
    case MOLRT_ERROR_CANCELLED:
      return "cancelled";
    case MOLRT_ERROR_STATE:
      return "state";
    case MOLRT_ERROR_DATA:
      return "data";
    case MOLRT_ERROR_INTERNAL:
      return "internal";
    default:
      return "unknown";
  }
}

const char* molrt_row_status_name(int32_t row_status) {
  switch (row_status) {
    case MOLRT_ROW_OK:
      return "ok";
    case MOLRT_ROW_PENDING:
      return "pending";
    case MOLRT_ROW_EMPTY:
      return "empty";
    case MOLRT_ROW_INVALID_SMILES:
      return "invalid_smiles";
    case MOLRT_ROW_NO_ATOMS:
      return "no_atoms";
    case MOLRT_ROW_TOO_LARGE:
      return "too_large";
    case MOLRT_ROW_NO_CONFORMER:
      return "no_conformer";
    case MOLRT_ROW_TIMEOUT:
      return "timeout";
    case MOLRT_ROW_BAD_COORDINATES:
      return "bad_coordinates";
    case MOLRT_ROW_NON_FINITE:
      return "non_finite";
    case MOLRT_ROW_OUT_OF_MEMORY:
      return "out_of_memory";
    case MOLRT_ROW_INTERNAL:
      return "internal";
    case MOLRT_ROW_INVALID_MOL_BLOCK:
      return "invalid_mol_block";
    case MOLRT_ROW_NO_DESCRIPTORS:
      return "no_descriptors";
    default:
      return "unknown";
  }
}

const char* molrt_source_name(int32_t source) {
  switch (source) {
    case MOLRT_SOURCE_NONE:
      return "none";
    case MOLRT_SOURCE_GIVEN:
      return "given";
    case MOLRT_SOURCE_ETKDG_MMFF:
      return "etkdg_mmff";
    case MOLRT_SOURCE_ETKDG:
      return "etkdg";
    case MOLRT_SOURCE_2D:
      return "2d";
    default:
      return "unknown";
  }
}

const char* molrt_flag_name(uint32_t flag) {
  switch (flag) {
    case MOLRT_FLAG_UNKNOWN_ELEMENT:
      return "unknown_element";
    case MOLRT_FLAG_HYDROGENS_ADDED:
      return "hydrogens_added";
    case MOLRT_FLAG_HYDROGENS_REMOVED:
      return "hydrogens_removed";
    case MOLRT_FLAG_RETRIED:
      return "retried";
    case MOLRT_FLAG_CROPPED:
      return "cropped";
    case MOLRT_FLAG_FEWER_CONFORMERS:
      return "fewer_conformers";
    case MOLRT_FLAG_INPUT_MISSING:
      return "input_missing";
    default:
      return "unknown";
  }
}
