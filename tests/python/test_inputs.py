"""Columns beside the molecules, descriptors, several conformers in training."""

import numpy as np
import pytest

import molrt


@pytest.fixture(scope="module")
def columns(esol):
    n = len(esol.smiles)
    return {"T": [300.0 + i % 7 for i in range(n)], "pH": [None if i == 2 else i % 5 for i in range(n)]}


def test_round_trip(small, esol, columns, tmp_path):
    model = molrt.finetune(small, esol.smiles, esol.values, columns=columns, folds=2, epochs=5,
                           inputs="cls+rdkit+morgan", morgan_bits=32)
    assert model.column_names == ["T", "pH"] and small.column_names == []
    assert model.info["inputs"] == 2 + 189 + 32
    assert "input_missing" in model.rows.flags[2] and not model.rows.flags[1]
    model.save(tmp_path / "m")
    folds = [molrt.load(tmp_path / "m", fold=i).predict(esol.smiles, columns=columns) for i in range(2)]
    held_out = model.held_out[:, 0]
    assert all(held_out[i] in (folds[0].mean[i, 0], folds[1].mean[i, 0]) for i in range(len(held_out)))
    assert folds[0].flags[2] == ("input_missing",)


def test_columns_matter_and_are_found_by_name(small, esol, columns):
    model = molrt.finetune(small, esol.smiles, esol.values, columns=columns, epochs=5)
    usual = model.predict(esol.smiles[:3], columns={name: c[:3] for name, c in columns.items()})
    more = model.predict(esol.smiles[:3], columns={"x": [0, 0, 0], "pH": columns["pH"][:3],
                                                   "T": np.array(columns["T"][:3])})
    assert usual.mean.tobytes() == more.mean.tobytes()
    warm = model.predict(esol.smiles[:3], columns={"T": [310] * 3, "pH": columns["pH"][:3]})
    assert (usual.mean != warm.mean).all()


def test_refusals(small, esol, columns):
    model = molrt.finetune(small, esol.smiles, esol.values, columns=columns, epochs=2)
    with pytest.raises(molrt.InvalidArgumentError, match='"T", "pH" are not given'):
        model.predict(["CC"])
    with pytest.raises(ValueError, match=r"columns\['T'\] has shape \(1,\)"):
        model.predict(["CC", "CCC"], columns={"T": [300], "pH": [1, 2]})
    with pytest.raises(molrt.InvalidArgumentError, match="float32"):
        model.predict(["CC"], columns={"T": [np.inf], "pH": [1]})
    with pytest.raises(molrt.DataError, match="input column 'T' has no number"):
        molrt.finetune(small, esol.smiles, esol.values, columns={"T": [None] * len(esol.smiles)})


def test_given_atoms_have_no_descriptors(small, esol):
    model = molrt.finetune(small, esol.smiles, esol.values, inputs="cls+rdkit", epochs=2)
    result = model.predict(symbols=[["C", "O"]], coordinates=[[[0, 0, 0], [0, 0, 1.4]]])
    assert list(result.status) == ["no_descriptors"] and np.isnan(result.mean).all()
    with pytest.raises(molrt.DataError, match="no row can be trained on"):
        molrt.finetune(small, symbols=[["C", "O"]] * 4, coordinates=[[[0, 0, 0], [0, 0, 1.4]]] * 4,
                       targets=[1, 2, 3, 4], inputs="cls+rdkit")


@pytest.mark.parametrize("freeze", ["encoder", "none"])
def test_several_conformers(small, esol, freeze, tmp_path):
    smiles, values = esol.smiles[:12], esol.values[:12]
    model = molrt.finetune(small, smiles, values, conformers=3, folds=2, epochs=2, freeze_prefix=freeze,
                           columns={"T": list(range(12))})
    model.save(tmp_path / "m")
    folds = [molrt.load(tmp_path / "m", fold=i).predict(smiles, conformers=3, columns={"T": list(range(12))})
             for i in range(2)]
    close = [np.isclose(model.held_out[:, 0], fold.mean[:, 0], rtol=1e-5, atol=1e-6) for fold in folds]
    assert (close[0] | close[1]).all()
    one = molrt.finetune(small, smiles, values, folds=2, epochs=2, freeze_prefix=freeze)
    assert one.held_out.tobytes() != model.held_out.tobytes()
