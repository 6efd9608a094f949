"""finetune(), its settings and targets."""

import inspect
import pickle

import numpy as np
import pytest

import molrt


def test_round_trip(tuned, small, esol, tmp_path):
    assert tuned.target_names == ["log S"]
    assert isinstance(tuned.report, dict) and tuned.report
    assert tuned.held_out.shape == (len(esol.smiles), 1)
    assert 0 < np.isfinite(tuned.held_out).sum() < len(esol.smiles)
    assert tuned.rows.ok.all()
    prediction = tuned.predict(smiles=esol.smiles)
    error = np.sqrt(np.mean((prediction.mean[:, 0] - esol.values) ** 2))
    assert error < np.std(esol.values)  # better than predicting the mean
    tuned.save(tmp_path / "esol.molrt")
    again = molrt.load(tmp_path / "esol.molrt").predict(smiles=esol.smiles)
    assert again.mean.tobytes() == prediction.mean.tobytes()
    assert small.info["outputs"] == 0  # the base stays


def test_a_pickle_keeps_what_training_told(tuned, esol):
    again = pickle.loads(pickle.dumps(tuned))
    assert isinstance(again, molrt.FineTunedModel)
    assert again.predict(esol.smiles).mean.tobytes() == tuned.predict(esol.smiles).mean.tobytes()
    assert again.report == tuned.report
    assert again.held_out.tobytes() == tuned.held_out.tobytes()
    assert list(again.rows.status) == list(tuned.rows.status)


def test_training_repeats(tuned, small, esol):
    again = molrt.finetune(small, esol.smiles, esol.values, "log S", epochs=20, threads=1)
    assert again.held_out.tobytes() == tuned.held_out.tobytes()


def test_folds_have_a_spread(small, esol):
    model = molrt.finetune(small, esol.smiles, esol.values, folds=3, epochs=5)
    assert model.info["folds"] == 3
    assert np.isfinite(model.held_out).all()
    assert (model.predict(esol.smiles[:5]).std > 0).all()


def test_several_targets_with_gaps_and_bad_molecules(small, esol):
    targets = [[value, None if i % 3 else 2 * value] for i, value in enumerate(esol.values)]
    smiles = ["not a molecule"] + esol.smiles[1:]
    model = molrt.finetune(small, smiles, targets, ["a", "b"], epochs=3, head="pooled")
    assert model.predict(["CCO"]).mean.shape == (1, 2)
    assert model.info["head"] == "pooled"
    assert list(model.rows.status[:1]) == ["invalid_smiles"]
    assert '"not a molecule"' in model.rows.messages[0]
    assert set(model.rows.messages[1:]) == {""}
    assert np.isnan(model.held_out[0]).all()


def test_given_structures_and_weights_by_path(small, esol, tmp_path):
    small.save(tmp_path / "base.molrt")
    shapes = molrt.conformers(esol.smiles)
    from_shapes = molrt.finetune(tmp_path / "base.molrt", symbols=shapes.symbols,
                                 coordinates=shapes.coordinates, targets=np.array(esol.values),
                                 epochs=3)
    from_smiles = molrt.finetune(small, esol.smiles, esol.values, epochs=3)
    assert from_shapes.held_out.tobytes() == from_smiles.held_out.tobytes()


def test_a_split_comes_again(small, esol):
    first = molrt.finetune(small, esol.smiles, esol.values, epochs=3, folds=3, test_fraction=.1,
                           split="scaffold")
    assert set(first.parts) == {molrt.PART_TEST, 0, 1, 2}
    again = molrt.finetune(small, esol.smiles, esol.values, epochs=3, parts=first.parts)
    assert (again.parts == first.parts).all()
    assert again.report["settings"]["split"] == "column" and again.report["settings"]["folds"] == 3
    assert again.held_out.tobytes() == first.held_out.tobytes()


def test_the_test_is_predicted_by_the_model(small, esol):
    for folds in 1, 2:
        model = molrt.finetune(small, esol.smiles, esol.values, epochs=3, folds=folds, test_fraction=.2)
        test = model.parts == molrt.PART_TEST
        assert test.sum() == 12 == model.report["test"][0]["n"]
        predicted = model.predict(esol.smiles).mean
        assert predicted[test].tobytes() == model.held_out[test].tobytes()


def test_words_groups_and_weights(small, esol):
    n = len(esol.smiles)
    words = ["train"] * (n - 3) + ["valid", "test", 0]
    model = molrt.finetune(small, esol.smiles, esol.values, epochs=2, parts=words)
    assert list(model.parts[-3:]) == [0, molrt.PART_TEST, 0] and (model.parts[:-3] == -1).all()
    groups = np.arange(n) // 7
    model = molrt.finetune(small, esol.smiles, esol.values, epochs=2, folds=4, groups=groups)
    assert all(len(set(model.parts[groups == g])) == 1 for g in set(groups))
    assert model.report["settings"]["split"] == "group"


def test_settings_table():
    table = {setting.keyword: setting for setting in molrt.settings()}
    assert table["epochs"].type == "int" and table["lr"].type == "float"
    assert table["head"].choices == ["linear", "pooled"]
    assert all(s.help and s.since and s.minimum <= s.maximum for s in table.values())
    assert all(s.keyword.isidentifier() for s in table.values())
    own = set(inspect.signature(molrt.finetune).parameters)
    assert not own & set(table), "a setting that finetune() hides"


@pytest.mark.parametrize("settings, error, text", [
    ({"epoch": 3}, TypeError, "'epochs'"),
    ({"learning_rate": 3}, TypeError, "nearest"),
    ({"epochs": 1.5}, TypeError, "epochs"),
    ({"epochs": 2**70}, ValueError, "64-bit"),
    ({"epochs": -1}, molrt.InvalidArgumentError, "epochs"),
    ({"lr": "fast"}, TypeError, "lr"),
    ({"lr": float("nan")}, molrt.InvalidArgumentError, "lr"),
    ({"head": "lineal"}, molrt.InvalidArgumentError, "linear"),
    ({"head": 3}, TypeError, "head"),
    ({"seed": -1}, ValueError, "'seed' must be between 0 and"),
    ({"batch_size": 0}, ValueError, "'batch_size' must be between 1 and"),
])
def test_wrong_settings(small, settings, error, text):
    with pytest.raises(error, match=text):
        molrt.finetune(small, ["C", "CC"], [1, 2], **settings)


@pytest.mark.parametrize("arguments, error, text", [
    ({}, TypeError, "targets"),
    ({"targets": [1, 2, 3]}, ValueError, "3 rows.*2 molecules"),
    ({"targets": [[[1]], [[2]]]}, ValueError, "3 dimensions"),
    ({"targets": [1, 2], "progress": 5}, TypeError, "progress=5"),
    ({"targets": [[1, 2, 3]] * 2, "target_names": ["a", "b", "a"]}, ValueError, "'a' more than once"),
    ({"targets": [1, 2], "target_names": ["a", "b"]}, ValueError, "2 names.*1 columns"),
    ({"targets": [1, 1]}, molrt.DataError, "."),
    ({"targets": [None, None]}, molrt.DataError, "."),
    ({"targets": [1, float("inf")]}, molrt.DataError, r"targets\[1\]"),
    ({"targets": [1, 3.5e38]}, molrt.DataError, r"targets\[1\].*3\.5e\+38.*3\.403e\+38"),
    ({"targets": [[1, 2], [3, -1e300]]}, molrt.DataError, r"targets\[1\]: column 1 is -1e\+300"),
])
def test_wrong_targets(small, arguments, error, text):
    with pytest.raises(error, match=text):
        molrt.finetune(small, ["C", "CC"], **arguments)


@pytest.mark.parametrize("arguments, error, text", [
    ({"groups": ["a"]}, ValueError, "groups has 1 entries, but there are 2 molecules"),
    ({"groups": ["a", "b"], "split": "random"}, molrt.InvalidArgumentError, "does not use them"),
    ({"split": "group"}, molrt.InvalidArgumentError, "split=group needs groups"),
    ({"parts": ["train", "trial"]}, molrt.InvalidArgumentError, "trial"),
    ({"parts": [0, 2**40]}, molrt.InvalidArgumentError, "row 2: part 2147483647"),
    ({"parts": [0, .5]}, TypeError, "integer"),
    ({"sample_weights": [1, -2]}, molrt.InvalidArgumentError, "row 2: weight -2"),
    ({"sample_weights": [0, 0]}, molrt.InvalidArgumentError, "all 2 weights are 0"),
    ({"sample_weights": [1, float("nan")]}, molrt.InvalidArgumentError, "row 2: weight nan"),
])
def test_wrong_columns(small, arguments, error, text):
    with pytest.raises(error, match=text):
        molrt.finetune(small, ["C", "CC"], [1, 2], **arguments)
