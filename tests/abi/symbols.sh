#!/bin/sh
# The library exports exactly what symbols.txt lists. usage: symbols.sh LIBRARY symbols.txt
set -eu
# Versioned names (molrt_x@@MOLRT_0.1) and the version's own absolute symbol.
nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u |
  diff -u "$2" -
