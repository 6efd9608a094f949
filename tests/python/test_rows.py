"""Molecules in, rows out: statuses, order, and the kinds of input."""

import pickle

import numpy as np
import pytest

import molrt
from conftest import BAD, GOOD
from molrt import _elements


def interleaved():
    mixed = []
    for bad, good in zip(list(BAD) * len(GOOD), GOOD):
        mixed += [bad, good]
    return mixed


def test_bad_rows_leave_the_bytes_of_good_ones(small):
    clean, mixed = small.embed(GOOD), small.embed(interleaved())
    assert mixed.cls[1::2].tobytes() == clean.cls.tobytes()
    assert np.isnan(mixed.cls[::2]).all()
    for ours, alone in zip(mixed.atoms[1::2], clean.atoms):
        assert ours.tobytes() == alone.tobytes()
    assert all(atoms.shape == (0, small.width) for atoms in mixed.atoms[::2])
    assert all(len(index) == 0 for index in mixed.atom_index[::2])
    assert list(mixed.ok) == [False, True] * len(GOOD)
    assert list(mixed.status[1::2]) == ["etkdg_mmff"] * len(GOOD)
    for text, status, message in zip(interleaved()[::2], mixed.status[::2], mixed.messages[::2]):
        assert status == BAD[text]
        assert message


def test_predictions_of_bad_rows(headed):
    clean, mixed = headed.predict(GOOD), headed.predict(interleaved())
    assert mixed.mean[1::2].tobytes() == clean.mean.tobytes()
    assert np.isnan(mixed.mean[::2]).all()
    assert mixed.mean.dtype == mixed.std.dtype == np.float32
    assert mixed.target_names == headed.target_names


def test_no_molecules(small):
    result = small.embed([])
    assert result.cls.shape == (0, small.width)
    assert result.atoms == [] and len(result) == 0


def test_atom_index(small):
    result = small.embed(["OC", "[H]O[H]"])
    assert list(result.atom_index[0]) == [0, 1, -1, -1, -1, -1]
    assert result.atom_index[0].dtype == np.int32
    assert len(result.atoms[0]) == 6
    assert sorted(result.atom_index[1]) in ([0, 1, 2], [-1, -1, 0])  # as RDKit reads explicit H


def test_hydrogens_only_and_unknown_elements(small):
    no_h = molrt.init(kernel="linear", layers=1, width=16, ffn=16, heads=2)
    assert list(no_h.embed(["[H][H]"]).status) == ["no_atoms"]
    assert small.embed(["[H][H]"]).ok.all()
    ours = small.embed(symbols=[["C", "*"]], coordinates=[[[0, 0, 0], [0, 0, 1.5]]])
    assert ours.ok.all() and ours.flags == [("unknown_element",)]


POINTS = [[0, 0, 0], [0, 0, 1.2], [0, 1.1, 0], [0, -1.1, 0]]


@pytest.mark.parametrize("kind", [list, np.array, lambda z: np.array(z, np.uint8)])
def test_atomic_numbers_are_elements(small, kind):
    by_symbol = small.embed(symbols=[["C", "O", "H", "*"]], coordinates=[POINTS])
    by_number = small.embed(symbols=[kind([6, 8, 1, 0])], coordinates=[POINTS])
    assert by_number.cls.tobytes() == by_symbol.cls.tobytes()
    assert by_number.flags == [("unknown_element",)]  # of the "*"
    assert small.embed(symbols=[kind([6, 8])], coordinates=[POINTS[:2]]).flags == [()]
    every = molrt.conformers(symbols=[[z] for z in range(119)], coordinates=[[[0, 0, 0]]] * 119)
    assert [s[0] for s in every.symbols] == _elements.SYMBOLS


@pytest.mark.parametrize("text", ["c", "CL", "6", "", "Carbon"])
def test_a_text_that_is_no_symbol_is_an_unknown_element(small, text):
    assert small.embed(symbols=[[text]], coordinates=[[[0, 0, 0]]]).flags == [("unknown_element",)]


def test_given_hydrogens(small):
    structure = {"symbols": [["C", "H"]], "coordinates": [POINTS[:2]]}
    without = molrt.init("linear", layers=1, width=16, ffn=16, heads=2).embed(**structure)
    assert without.flags == [("hydrogens_removed",)] and list(without.atom_index[0]) == [0]
    kept = small.embed(**structure)  # and none are added to CH
    assert kept.flags == [()] and list(kept.atom_index[0]) == [0, 1]


def test_too_many_atoms(small):
    long = "C" * 30  # 92 atoms
    assert list(small.embed([long], max_atoms=50).status) == ["too_large"]
    assert list(small.embed([long, "C"]).status) == ["etkdg_mmff"] * 2
    cropped = small.embed([long], max_atoms=50, crop=True)
    assert "cropped" in cropped.flags[0] and cropped.atoms[0].shape == (50, 16)


def test_bad_coordinates(small):
    result = small.embed(symbols=[["C"], ["C"], []], coordinates=[[[0, 0, np.nan]], [[1, 2, 3]], []])
    assert list(result.status) == ["bad_coordinates", "given", "empty"]


def test_conformers_feed_embed(small):
    conformers = molrt.conformers(smiles=GOOD)
    again = small.embed(symbols=conformers.symbols, coordinates=conformers.coordinates)
    assert again.cls.tobytes() == small.embed(GOOD).cls.tobytes()
    assert conformers.sdf(2, "ethanol").startswith("ethanol\n")
    assert "$$$$" in conformers.sdf(-1)
    bad = molrt.conformers(["C1CC"])
    assert bad.coordinates[0].shape == (0, 3) and bad.symbols == [[]]
    with pytest.raises(molrt.Error) as caught:
        bad.sdf(0)
    assert caught.value.status == "state"


def test_conformers_say_that_they_cannot_be_pickled():
    with pytest.raises(TypeError, match="take the arrays"):
        pickle.dumps(molrt.conformers(["C"]))


class Series:
    """Like pandas': iterable, and with a length."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return iter(self.values)


@pytest.mark.parametrize("kind", [tuple, iter, np.array, Series,
                                  lambda smiles: np.array(smiles, dtype=object)])
def test_kinds_of_smiles(small, kind):
    assert small.embed(kind(GOOD)).cls.tobytes() == small.embed(GOOD).cls.tobytes()


def test_missing_cells_are_empty(small):
    assert list(small.embed([None, float("nan"), np.nan, "C"]).status) == ["empty"] * 3 + ["etkdg_mmff"]


def test_texts_that_c_would_cut_short(small):
    result = small.embed(["CC\0O", "C\ud800"])
    assert list(result.status) == ["invalid_smiles"] * 2


@pytest.mark.parametrize("arguments, error, text", [
    ({"smiles": "CCO"}, TypeError, "pass a list"),
    ({"smiles": ["C", 7]}, TypeError, r"smiles\[1\]"),
    ({}, TypeError, "either smiles"),
    ({"smiles": ["C"], "symbols": [["C"]], "coordinates": [[[0, 0, 0]]]}, TypeError, "either smiles"),
    ({"symbols": [["C"]]}, TypeError, "coordinates"),
    ({"symbols": ["C", "H"], "coordinates": [[[0, 0, 0]]] * 2}, TypeError, r"symbols\[0\]"),
    ({"symbols": [6, 1], "coordinates": [[[0, 0, 0]]] * 2}, TypeError, r"symbols\[0\] is 6"),
    ({"symbols": [["C", 6.0]], "coordinates": [POINTS[:2]]}, TypeError, r"symbols\[0\]\[1\].*float"),
    ({"symbols": [["C", b"H"]], "coordinates": [POINTS[:2]]}, TypeError, r"symbols\[0\]\[1\].*bytes"),
    ({"symbols": [["C", True]], "coordinates": [POINTS[:2]]}, TypeError, r"symbols\[0\]\[1\].*bool"),
    ({"symbols": [["C", 119]], "coordinates": [POINTS[:2]]}, ValueError, r"symbols\[0\]\[1\].*0.*118"),
    ({"symbols": [["C", -1]], "coordinates": [POINTS[:2]]}, ValueError, r"symbols\[0\]\[1\].*0.*118"),
    ({"symbols": [["C"]], "coordinates": [[[0, 0, 0]]] * 2}, ValueError, "1 molecules.* 2"),
    ({"symbols": [["C", "O"]], "coordinates": [[[0, 0, 0]]]}, ValueError, r"\(1, 3\).*2 atoms"),
    ({"symbols": [["C"]], "coordinates": [[[0, 0]]]}, ValueError, r"\(1, 2\)"),
    ({"smiles": ["C"], "ladder": "tall"}, ValueError, "'default', 'peer'"),
    ({"smiles": ["C"], "max_atoms": 2**40}, ValueError, "max_atoms"),
    ({"smiles": ["C"], "batch_size": -1}, ValueError, "batch_size = -1: expected 0 to 1048576"),
    ({"smiles": ["C"], "batch_size": 2**21}, ValueError, "batch_size = 2097152: expected 0 to 1048576"),
    ({"smiles": ["C"], "batch_size": 2**31}, ValueError, "batch_size=2147483648: expected 0 to"),
    ({"smiles": ["C"], "conformer_seed": -1}, ValueError, "seed = -1: expected 0 to 2147483647"),
    ({"smiles": ["C"], "conformer_seed": 2**31}, ValueError, "expected 0 to 2147483647"),
    ({"smiles": ["C"], "progress": 5}, TypeError, "progress=5"),
    ({"smiles": ["C"], "progress": "yes"}, TypeError, "progress='yes'"),
    ({"smiles": ["C"], "max_atoms": -1}, molrt.InvalidArgumentError, "max_atoms"),
    ({"smiles": ["C"], "max_atoms": 1.5}, TypeError, "float"),
    ({"smiles": ["C"], "threads": -1}, molrt.InvalidArgumentError, "threads"),
    ({"smiles": ["C"], "time_limit": -1.0}, molrt.InvalidArgumentError, "time_limit"),
])
def test_wrong_arguments(small, arguments, error, text):
    with pytest.raises(error, match=text):
        small.embed(**arguments)
