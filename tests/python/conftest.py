"""Golden data, and models for the tests of the Python binding."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import molrt

DATA = Path(__file__).resolve().parents[1] / "golden" / "data"

GOOD = ["C", "CC", "CCO", "c1ccccc1", "CC(=O)O", "CN", "OCC(O)CO", "CCCC", "C1CC1", "CC#N"]
BAD = {"": "empty", "not a molecule": "invalid_smiles", "C1CC": "invalid_smiles"}


def golden(name):
    return np.load(DATA / name)


def relative_error(ours, theirs):
    """The golden README's: max|a-b| / max|b|."""
    assert ours.shape == theirs.shape
    assert np.isfinite(ours).all()
    return np.abs(ours.astype(np.float64) - theirs).max() / np.abs(theirs).max()


def given(arrays):
    """symbols and coordinates of a golden file, molecule by molecule."""
    bounds = list(zip(arrays["offsets"], arrays["offsets"][1:]))
    return {"symbols": [list(arrays["symbols"][a:b]) for a, b in bounds],
            "coordinates": [arrays["coordinates"][a:b] for a, b in bounds]}


@pytest.fixture(scope="session")
def small():
    """An untrained model without a head."""
    return molrt.init(layers=2, width=16, ffn=32, heads=2)


@pytest.fixture(scope="session")
def headed():
    return molrt.load(DATA / "molecule_linear.pth")


@pytest.fixture(scope="session")
def esol():
    with open(DATA / "esol.csv", newline="") as file:
        rows = list(csv.DictReader(file))[:60]
    return SimpleNamespace(smiles=[row["smiles"] for row in rows],
                           values=[float(row["logp"]) for row in rows])


@pytest.fixture(scope="session")
def tuned(small, esol):
    return molrt.finetune(small, smiles=esol.smiles, targets=esol.values, target_names=["log S"],
                          epochs=20)
