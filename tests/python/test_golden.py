"""Representations and predictions against the peer's numbers."""

import numpy as np
import pytest

import molrt
from conftest import DATA, given, golden, relative_error

TOLERANCE = 1e-5
MODELS = ["molecule_linear", "molecule_pooler", "oled_linear"]


@pytest.mark.parametrize("name", MODELS)
def test_smiles(name):
    theirs = golden(name + "_forward.npz")
    model = molrt.load(DATA / (name + ".pth"))
    ours = model.embed(smiles=theirs["smiles"], ladder="peer")
    assert list(ours.status) == list(theirs["status"])
    assert ours.ok.all()
    assert relative_error(ours.cls, theirs["cls_repr"]) <= TOLERANCE
    assert [len(atoms) for atoms in ours.atoms] == list(np.diff(theirs["offsets"]))
    assert relative_error(np.concatenate(ours.atoms), theirs["atom_repr"]) <= TOLERANCE
    prediction = model.predict(smiles=theirs["smiles"], ladder="peer")
    assert relative_error(prediction.mean, theirs["logits"]) <= TOLERANCE
    assert list(prediction.status) == list(theirs["status"])
    assert np.isnan(prediction.std).all()  # one fold


@pytest.mark.parametrize("name", MODELS + ["molecule_odd"])
def test_given_atoms(name):
    theirs = golden(name + "_given_forward.npz")
    model = molrt.load(DATA / (name + ".pth"), hydrogens="all")  # all atoms, as the peer was given
    ours = model.embed(**given(theirs))
    assert set(ours.status) == {"given"}
    assert relative_error(ours.cls, theirs["cls_repr"]) <= TOLERANCE
    assert relative_error(np.concatenate(ours.atoms), theirs["atom_repr"]) <= TOLERANCE
    assert relative_error(model.predict(**given(theirs)).mean, theirs["logits"]) <= TOLERANCE
    assert any("unknown_element" in flags for flags in ours.flags)


def test_specials_first():
    theirs = golden("molecule_linear_specials_first_forward.npz")
    model = molrt.load(DATA / "molecule_linear.pth", layout="specials_first")
    assert model.info["layout"] == "specials_first"
    ours = model.embed(smiles=theirs["smiles"], ladder="peer", atoms=False)
    assert ours.atoms is None
    assert relative_error(ours.cls, theirs["cls_repr"]) <= TOLERANCE


def test_conformers_are_rdkits():
    theirs = golden("molecule_linear_forward.npz")
    ours = molrt.conformers(smiles=theirs["smiles"], ladder="peer")
    assert list(ours.status) == list(theirs["status"])
    assert [s for symbols in ours.symbols for s in symbols] == list(theirs["symbols"])
    assert np.array_equal(np.concatenate(ours.coordinates), theirs["coordinates"])


@pytest.mark.parametrize("variant", ["bare", "torch2", "legacy"])
def test_other_archives_hold_the_same_weights(variant, headed):
    other = molrt.load(DATA / f"molecule_linear_{variant}.pth")
    assert np.array_equal(other.predict(["CCO"]).mean, headed.predict(["CCO"]).mean)
