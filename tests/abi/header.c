/* The header alone, included twice: compiled in every dialect it promises. */
#include "molrt.h"
/* Again. (The comment keeps clang-format from dropping it.) */
#include "molrt.h"

int32_t header_is_usable(void);
int32_t header_is_usable(void) {
  molrt_row row;
  row.struct_size = sizeof row;
  return (int32_t)row.struct_size + MOLRT_ERROR_INTERNAL;
}
