#!/bin/sh
# bindings/c/predict.c, as the README shows it, on a model with a head. usage: example.sh PREDICT MODEL
set -eu
out=$("$1" "$2" CCO 'not a molecule' c1ccccc1)
echo "$out"
test "$(echo "$out" | wc -l)" = 3
echo "$out" | sed -n 1p | grep -Eq '^-?[0-9.e-]+ \(etkdg_mmff\)$'
echo "$out" | sed -n 2p | grep -q '^invalid_smiles: .'
echo "$out" | sed -n 3p | grep -Eq '^-?[0-9.e-]+ \(etkdg_mmff\)$'
if "$1" /nonexistent/model CCO 2>/dev/null; then exit 1; fi
