#!/bin/sh
# bindings/cpp/predict.cpp, as the README shows it, compiled and run as any program against molrt.
# usage: hpp_example.sh CHECKOUT LIBRARY FOLDER COMPILER FLAGS ...
set -eu
checkout=$1 library=$2 compiler=$4
program=$3/hpp_example.$(basename "$4")
shift 4
"$compiler" "$@" "$checkout/bindings/cpp/predict.cpp" -I"$checkout/include" "$library" \
  -Wl,-rpath,"$(dirname "$library")" -o "$program"
exec sh "$checkout/tests/abi/example.sh" "$program" "$checkout/tests/golden/data/molecule_linear.pth"
