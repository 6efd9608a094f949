#!/usr/bin/env python3
"""What descriptors and Morgan counts beside the representation are worth on ESOL, on a frozen encoder:

    tests/bench/inputs.py build/bin/molrt TABLE.csv SMILES_COLUMN TARGET_COLUMN [WEIGHTS]

Prints the held-out RMSE of 5-fold cross-validation for each of some settings; without WEIGHTS over an
untrained encoder of 2 layers and width 128.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SETTINGS = [["--inputs", inputs, *more] for inputs in ("cls", "cls+rdkit", "cls+morgan", "cls+rdkit+morgan")
            for more in ([], ["--solver", "ridge"])]
SETTINGS += [["--inputs", "cls+rdkit+morgan", "--morgan-bits", bits] for bits in ("256", "512", "2048")]


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout


def main(molrt, table, smiles, target, weights=None):
    with tempfile.TemporaryDirectory() as folder:
        if weights is None:
            weights = Path(folder) / "untrained.molrt"
            run(molrt, "init", "-o", weights, "--layers", 2, "--width", 128, "--ffn", 256, "--heads", 8)
        for setting in SETTINGS:
            report = json.loads(run(molrt, "finetune", "-w", weights, table, "--smiles", smiles, "-t", target,
                                    "-o", Path(folder) / "m", "--folds", 5, "--json", "-q", *setting))
            held_out = report["held_out"][0]
            print(f"{' '.join(setting):60} RMSE {held_out['rmse']:.3f}  MAE {held_out['mae']:.3f}", flush=True)


main(*sys.argv[1:])
