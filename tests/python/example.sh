#!/bin/sh
# bindings/python/example.py, as the README shows it. usage: example.sh CHECKOUT FOLDER
set -eu
cd "$2"
head -n 201 "$1/tests/golden/data/esol.csv" >esol.csv  # part of it, to be quick
out=$(/usr/bin/python3 "$1/bindings/python/example.py" "$1/tests/golden/data/molecule_linear.pth" \
  esol.csv example.molrt)
echo "$out"
echo "$out" | sed -n 1p | grep -Eq '^CCO: -?[0-9]+\.[0-9]{2} \(etkdg_mmff\)$'
echo "$out" | sed -n 3p | grep -Fxq 'not a molecule: nan (invalid_smiles)'
test -s example.molrt
rm example.molrt esol.csv
