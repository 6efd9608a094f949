"""MOL blocks, several conformers, canonical SMILES, several models."""

import numpy as np
import pytest

import molrt
from conftest import GOOD

STRUCTURE = """methanol without hydrogens


  2  1  0  0  0  0            999 V2000
    0.0000    0.0000    0.0000 C   0  0
    0.0000    1.4000    0.1000 O   0  0
  1  2  1  0
M  END
"""
DRAWING = STRUCTURE.replace("    0.1000 O", "    0.0000 O")


def test_mol_blocks(small):
    texts = [STRUCTURE, DRAWING, "rubbish", None]
    result = small.embed(mol_blocks=texts)
    assert list(result.status) == ["given", "etkdg_mmff", "invalid_mol_block", "empty"]
    assert result.flags == [("hydrogens_added",), (), (), ()]
    assert list(result.conformers) == [1, 1, 0, 0]
    assert list(result.atom_index[0]) == [0, 1, -1, -1, -1, -1]
    assert result.cls[1].tobytes() == small.embed(["CO"]).cls[0].tobytes()
    made = molrt.conformers(mol_blocks=texts)
    assert made.smiles(0) == made.smiles(1) == "CO"
    np.testing.assert_allclose(made.coordinates[0][1], [0, 1.4, 0.1], rtol=1e-6)
    with pytest.raises(molrt.Error):
        made.smiles(2)


def test_a_record_comes_back_as_a_structure(small):
    made = molrt.conformers(GOOD)
    again = small.embed(mol_blocks=[made.sdf(i) for i in range(len(GOOD))])
    assert set(again.status) == {"given"}
    np.testing.assert_allclose(again.cls, small.embed(GOOD).cls, rtol=1e-2, atol=1e-3)  # 4 decimals


def test_several_conformers(small):
    options = dict(conformers=3, flat_conformer=True, conformer_seed=0)
    result = small.embed(GOOD + ["bad"], **options)
    assert list(result.conformers) == [3] * len(GOOD) + [0]
    made = molrt.conformers(GOOD, conformers=3, flat_conformer=True, seed=0)
    assert made.all_coordinates[2].shape == (3, 9, 3)
    assert (made.all_coordinates[2][2][:, 2] == 0).all()
    alone = [small.embed(symbols=made.symbols, coordinates=[c[k] for c in made.all_coordinates])
             for k in range(3)]
    mean = np.mean([a.cls.astype(np.float64) for a in alone], axis=0).astype(np.float32)
    np.testing.assert_allclose(result.cls[:-1], mean, rtol=1e-6)
    assert made.sdf(2, conformer=2) != made.sdf(2, conformer=0)
    with pytest.raises(IndexError):
        made.sdf(2, conformer=3)
    for threads in (1, 2):
        assert small.embed(GOOD + ["bad"], threads=threads, **options).cls.tobytes() == \
            result.cls.tobytes()


def test_fewer_conformers_than_asked_for_are_flagged(small):
    peptide = "CC(C)CC(N)C(=O)NC(CO)C(=O)NC(CC(C)C)C(=O)NC(CCCCN)C(=O)O"
    for limit in (.02, .05, .1, .2, 60):  # where it cuts depends on the machine
        rows = small.embed([peptide], conformers=3, time_limit=limit, atoms=False)
        if rows.ok[0]:
            assert ("fewer_conformers" in rows.flags[0]) == (rows.conformers[0] < 3)


def test_training_on_structures(small):
    blocks = [STRUCTURE.replace("1.4000", f"1.{i}000") for i in range(1, 9)]
    model = molrt.finetune(small, mol_blocks=blocks, targets=range(8), epochs=3, valid_fraction=0)
    assert (model.rows.status == "given").all()


def test_canonical(small):
    texts = ["OCC", "CCO", "C(C)O"]
    result = small.embed(texts, canonical=True)
    assert result.cls[0].tobytes() == result.cls[1].tobytes() == result.cls[2].tobytes()
    assert [list(index[:3]) for index in result.atom_index] == [[2, 1, 0], [0, 1, 2], [1, 0, 2]]


def test_a_panel_makes_conformers_once(headed, tuned):
    made = []

    def watch(stage, done, total):
        if stage == "conformers":
            assert total == 2 * len(GOOD)
            made.append(done)
    panel = molrt.predict([headed, tuned, headed], GOOD, conformers=2, progress=watch)
    assert [set(p.target_names) for p in panel] == [set(m.target_names) for m in (headed, tuned, headed)]
    for model, prediction in zip((headed, tuned, headed), panel):
        assert prediction.mean.tobytes() == model.predict(GOOD, conformers=2).mean.tobytes()
    assert made == sorted(made) and made[-1] == 2 * len(GOOD)  # once: done never begins again
    assert molrt.predict([], GOOD) == []
    with pytest.raises(TypeError, match="models holds 'x'"):
        molrt.predict(["x"], GOOD)


@pytest.mark.parametrize("arguments, error, text", [
    ({"smiles": ["C"], "mol_blocks": [DRAWING]}, TypeError, "either smiles"),
    ({"mol_blocks": DRAWING}, TypeError, "pass a list"),
    ({"mol_blocks": [7]}, TypeError, r"mol_blocks\[0\]"),
    ({"smiles": ["C"], "conformers": 0}, ValueError, "count = 0: expected 1 to 1000"),
    ({"smiles": ["C"], "conformers": 1001}, ValueError, "count"),
    ({"smiles": ["C"], "conformers": 2, "conformer_seed": 2**31 - 1}, ValueError, "seed"),
    ({"smiles": ["C"], "conformers": 1.5}, TypeError, "float"),
])
def test_wrong_arguments(small, arguments, error, text):
    with pytest.raises(error, match=text):
        small.embed(**arguments)
