#!/usr/bin/env bash
# The main job on real data: fit a shipped model to measured solubilities (ESOL) and predict molecules
# that the training did not see, with error bars. usage: demo.sh BUILD_DIRECTORY
set -euo pipefail
molrt=$1/bin/molrt
export MOLRT_CONFORMER_CACHE=off  # nothing outside of $out
out=demo-output
mkdir -p "$out"
data=tests/golden/data/esol.csv
weights=molecule

echo "== ESOL: $(($(wc -l <"$data") - 1)) measured solubilities (log10 mol/L); every fifth is held out"
awk 'NR == 1 || NR % 5 != 0' "$data" >"$out/train.csv"
awk 'NR == 1 || NR % 5 == 0' "$data" >"$out/test.csv"

echo
echo "== $weights: pre-trained on 186,000 geometries, none of ESOL's molecules among them (models/README.md)"
"$molrt" inspect "$weights" | head -1

echo
echo "== Fit five heads to what it and RDKit's descriptors say of a molecule: seconds"
"$molrt" finetune --weights "$weights" "$out/train.csv" --target logp --unit "log10 mol/L" \
  --folds 5 -o "$out/esol.molrt" --report "$out/report.html"

echo
echo "== Predict the held-out molecules"
"$molrt" predict --model "$out/esol.molrt" "$out/test.csv" -o "$out/predictions.csv"

echo
echo "== Some of them (log10 mol/L)"
awk -F, 'NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i
                   printf "%9s %10s %8s  %s\n", "measured", "predicted", "+-", "molecule" }
         NR > 1 { error = $at["logp"] - $at["logp_pred"]; sum += error * error; ++n
                  within += $at["logp"] >= $at["logp_low"] && $at["logp"] <= $at["logp_high"] }
         NR > 1 && NR % 25 == 2 { printf "%9.2f %10.2f %8.2f  %s\n", $at["logp"], $at["logp_pred"], $at["logp_error"], $1 }
         END { printf "\nRMSE of all %d: %.2f; %.0f %% lie within their 90 %% intervals\n", n, sqrt(sum / n), 100 * within / n }' \
  "$out/predictions.csv"

echo
echo "Look at $out/report.html: how good the model is, in pictures and words.   The CSV: $out/predictions.csv   the model: $out/esol.molrt (try: $molrt inspect $out/esol.molrt)"
