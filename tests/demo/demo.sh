#!/usr/bin/env bash
# The main job on real data: fit a head on measured solubilities (ESOL) and predict molecules that the
# training did not see. usage: demo.sh BUILD_DIRECTORY
set -euo pipefail
molrt=$1/bin/molrt
export MOLRT_CONFORMER_CACHE=off  # nothing outside of $out
out=demo-output
mkdir -p "$out"
data=tests/golden/data/esol.csv

echo "== ESOL: $(($(wc -l <"$data") - 1)) measured solubilities (log10 mol/L); every fifth is held out"
awk 'NR == 1 || NR % 5 != 0' "$data" >"$out/train.csv"
awk 'NR == 1 || NR % 5 == 0' "$data" >"$out/test.csv"

echo
echo "== An encoder of 6 layers. It is UNTRAINED: random weights, until trained ones ship with molrt."
"$molrt" init --layers 6 -o "$out/encoder.molrt"

echo
echo "== Fit a head on its representations"
"$molrt" finetune --weights "$out/encoder.molrt" "$out/train.csv" --target logp --folds 5 \
  -o "$out/esol.molrt" --report "$out/report.html"

echo
echo "== Predict the held-out molecules"
"$molrt" predict --model "$out/esol.molrt" "$out/test.csv" -o "$out/predictions.csv"

echo
echo "== Some of them (log10 mol/L)"
awk -F, 'NR == 1 { printf "%9s %10s %8s  %s\n", "measured", "predicted", "+-", "molecule" }
         NR > 1 && NR % 25 == 2 { printf "%9.2f %10.2f %8.2f  %s\n", $2, $3, $5, $1 }' "$out/predictions.csv"

echo
echo "The CSV: $out/predictions.csv   the run's report: $out/report.html   the model: $out/esol.molrt (try: $molrt inspect $out/esol.molrt)"
