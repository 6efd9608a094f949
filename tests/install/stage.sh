#!/bin/sh
# Installs into a folder, moves it, and looks at what is there.
# usage: stage.sh CMAKE BUILD SOURCE STAGE VERSION
set -eu
cmake=$1 build=$2 source=$3 stage=$4 version=$5
rm -rf "$stage" "$stage.first"
"$cmake" --install "$build" --prefix "$stage.first" >/dev/null
mv "$stage.first" "$stage"  # nothing in it may name where it was

cd "$stage"
library=$(find . -name "libmolrt.so.$version")
test -s "$library"
for file in bin/molrt include/molrt.h include/molrt.hpp "$(dirname "$library")/cmake/molrt/molrtConfig.cmake" \
  "$(dirname "$library")/pkgconfig/molrt.pc" share/doc/molrt/NOTICE share/doc/molrt/README.md \
  share/molrt/models/molecule.molrt share/molrt/models/oled.molrt share/molrt/models/README.md; do
  test -s "$file" || { echo "stage.sh: $file is missing"; exit 1; }
done
objdump -p "$library" | grep -Eq "SONAME +libmolrt.so.${version%.*}\$"
if grep -rlF -e "$build" -e "$source" -e "$stage.first" .; then
  echo "stage.sh: these name folders of the build or of the prefix"
  exit 1
fi
env -u LD_LIBRARY_PATH bin/molrt --version | grep -F "molrt $version"
env -u LD_LIBRARY_PATH bin/molrt inspect molecule | grep -q "no head"
