#!/usr/bin/python3
"""Forest and boosting on the demo's split, for the README's table. Needs Debian's python3-sklearn and
python3-rdkit."""
import dataclasses
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models"))
from evaluate import BASELINES  # noqa: E402
from evaluation.forest import run_forest  # noqa: E402
from evaluation.sets import SETS, read_set  # noqa: E402
from evaluation.splits import Split  # noqa: E402

esol = read_set(dataclasses.replace(SETS["esol"], file="esol.csv"), ROOT / "tests/golden/data")
lines = np.arange(len(esol.smiles)) + 2
test = lines % 5 == 0  # as demo.sh
fitted = np.flatnonzero(~test)
split = Split(fitted[:-100], fitted[-100:], np.flatnonzero(test))  # what is validated is fitted, too
for kind, recipe in BASELINES.items():
    print(kind, run_forest(kind, recipe, esol, split, seed=0, threads=0)["test"])
