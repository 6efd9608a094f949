#!/usr/bin/python3
"""Forest and boosting on the demo's split, for the README's table. Needs Debian's python3-sklearn and
python3-rdkit. usage: forest.py [ESOL.csv]"""
import csv
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models"))
from evaluate import BASELINES  # noqa: E402
from evaluation.forest import features, fitted, predicted  # noqa: E402
from evaluation.metrics import scores  # noqa: E402

table = sys.argv[1] if len(sys.argv) > 1 else ROOT / "tests/golden/data/esol.csv"
with open(table, newline="", encoding="utf-8") as stream:
    rows = list(csv.DictReader(stream))
test = (np.arange(len(rows)) + 2) % 5 == 0  # as demo.sh: every fifth line
y = np.array([float(row["logp"]) for row in rows])
for kind, recipe in BASELINES.items():
    x = np.array([features(row["smiles"], recipe["radius"], recipe["bits"]) for row in rows])
    estimator = fitted(kind, "regression", recipe["settings"], 0, 0, x[~test], y[~test])
    print(kind, scores("regression", y[test], predicted(estimator, "regression", x[test])))
