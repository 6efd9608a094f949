#!/bin/sh
# The examples built by pkg-config's flags. usage: with_pkgconfig.sh CHECKOUT STAGE MODEL FOLDER
set -eu
mkdir -p "$4"
PKG_CONFIG_PATH=$(dirname "$(find "$2" -name molrt.pc)")
export PKG_CONFIG_PATH
pkg-config --exact-version="$(pkg-config --modversion molrt)" molrt
flags=$(pkg-config --cflags --libs molrt)
rpath=-Wl,-rpath,$(pkg-config --variable=libdir molrt)
# Word splitting is wanted: several flags.
${CC:-cc} -std=c99 "$1/bindings/c/predict.c" $flags "$rpath" -o "$4/predict_c"
${CXX:-c++} -std=c++17 "$1/bindings/cpp/predict.cpp" $flags "$rpath" -o "$4/predict_cpp"
for program in predict_c predict_cpp; do sh "$1/tests/abi/example.sh" "$4/$program" "$3"; done
