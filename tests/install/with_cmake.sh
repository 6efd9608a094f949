#!/bin/sh
# Builds the consumer against the staged installation, and predicts. usage:
# with_cmake.sh CMAKE CONSUMER STAGE MODEL BUILD
set -eu
root=$(cd "$2/../../.." && pwd)
rm -rf "$5"
"$1" -S "$2" -B "$5" -DCMAKE_PREFIX_PATH="$3" -DEXAMPLES="$root/bindings" >"$5.log" 2>&1 &&
  "$1" --build "$5" >>"$5.log" 2>&1 || { cat "$5.log"; exit 1; }
for program in "$5/predict_c" "$5/predict_cpp"; do sh "$root/tests/abi/example.sh" "$program" "$4"; done
