#!/bin/sh
# The interface of a libmolrt with debug information (src/api has it), as libabigail's XML: molrt.h's
# types and functions and nothing of this machine. usage: dump.sh LIBRARY HEADERS >DUMP
set -eu
abidw --headers-dir "$2" --drop-private-types --exported-interfaces-only --no-corpus-path \
  --no-comp-dir-path --no-elf-needed --no-show-locs --no-parameter-names "$1" |
  sed -E "s#(<abi-instr .* path=')[^']*/#\1#"
