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
    assert from_shapes.report["settings"]["inputs"] == "cls"  # atoms have no bonds to describe
    from_smiles = molrt.finetune(small, esol.smiles, esol.values, epochs=3, inputs="cls")
    assert from_shapes.held_out.tobytes() == from_smiles.held_out.tobytes()


def test_a_split_comes_again(small, esol):
    first = molrt.finetune(small, esol.smiles, esol.values, epochs=3, folds=3, test_fraction=.1,
                           split="scaffold")
    assert set(first.parts) == {molrt.PART_TEST, 0, 1, 2}
    again = molrt.finetune(small, esol.smiles, esol.values, epochs=3, parts=first.parts)
    assert (again.parts == first.parts).all()
    assert again.report["settings"]["split"] == "column" and again.report["settings"]["folds"] == 3
    assert again.held_out.tobytes() == first.held_out.tobytes()


@pytest.mark.parametrize("settings", [
    {"folds": 1}, {"folds": 2}, {"folds": 2, "refit": 1}, {"folds": 2, "seeds": 2, "target_scaling": "none"},
    {"folds": 2, "freeze_prefix": "none", "epochs": 1},
])
def test_the_test_is_predicted_by_the_model(small, esol, settings):
    model = molrt.finetune(small, esol.smiles, esol.values, test_fraction=.2, **{"epochs": 3, **settings})
    test = model.parts == molrt.PART_TEST
    assert test.sum() == 12 == model.report["test"][0]["n"]
    predicted = model.predict(esol.smiles).mean
    assert predicted[test].tobytes() == model.held_out[test].tobytes()
    error = np.sqrt(np.mean((predicted[test, 0] - np.array(esol.values)[test]) ** 2))
    assert model.report["test"][0]["rmse"] == pytest.approx(error, rel=1e-6)


def test_the_test_is_not_learnt_from(small, esol):
    values = np.array(esol.values)
    first = molrt.finetune(small, esol.smiles, values, epochs=3, folds=2, refit=1, test_fraction=.2)
    values[first.parts == molrt.PART_TEST] += 100
    again = molrt.finetune(small, esol.smiles, values, epochs=3, folds=2, refit=1, test_fraction=.2)
    assert again.held_out.tobytes() == first.held_out.tobytes()


def test_a_row_of_weight_0_is_not_learnt_from(small, esol):
    n = len(esol.smiles)
    settings = {"epochs": 3, "valid_fraction": 0, "batch_size": n, "standardise": 0,
                "target_scaling": "none", "inputs": "cls"}
    weighted = molrt.finetune(small, esol.smiles, esol.values, sample_weights=[0] * 5 + [1] * (n - 5),
                              **settings)
    without = molrt.finetune(small, esol.smiles, [None] * 5 + esol.values[5:], **settings)
    ours, theirs = (model.predict(esol.smiles).mean for model in (weighted, without))
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-4)


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


def test_the_report_as_a_page(small, esol, tmp_path):
    model = molrt.finetune(small, esol.smiles, esol.values, "log <S>", epochs=3,
                           report_title="my <run>")
    page = model.html()
    assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    assert "<h1>my &lt;run&gt;</h1>" in page and "log &lt;S&gt;" in page
    model.save_report(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page
    assert pickle.loads(pickle.dumps(model)).html() == page
    with pytest.raises(FileNotFoundError):
        model.save_report(tmp_path / "none" / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_progress_tells_of_the_training(small, esol):
    seen = []
    molrt.finetune(small, esol.smiles, esol.values, epochs=3, folds=2, threads=1,
                   progress=lambda stage, done, total, **details: seen.append((stage, details)))
    details = [detail for stage, detail in seen if stage == "training"]
    assert {d["fold"] for d in details} == {0, 1}
    for d in details:
        assert d["train_rows"] + d["held_out_rows"] == len(esol.smiles)
        assert isinstance(d["metric_name"], str) and d["epochs"] == 3


@pytest.mark.parametrize("calibrate", ["conformal", "none"])
def test_progress_counts_the_passes_of_the_error_bars(small, esol, calibrate):
    seen = []
    model = molrt.finetune(small, esol.smiles, esol.values, epochs=2, folds=2, freeze_prefix="none",
                           mc_calibrate=calibrate, threads=1,
                           progress=lambda stage, done, total, **details: seen.append((stage, details)))
    details = [detail for stage, detail in seen if stage == "training"]
    parts = [d["part"] for d in details]
    assert parts == sorted(parts) and 0 < parts[0] and 0.5 < parts[-1] <= 1
    wanted = 30 if calibrate == "conformal" else 0
    assert {d["mc_passes"] for d in details} == {wanted}
    assert max(d["mc_pass"] for d in details) <= wanted
    assert ("gain_of_mc" in model.report["uncertainty"]) == (wanted > 0)


def test_classes(small, esol):
    above = [float(value > np.median(esol.values)) for value in esol.values]
    model = molrt.finetune(small, esol.smiles, above, "soluble", task="binary", epochs=20, valid_fraction=0.3)
    assert model.info["task"] == "binary"
    p = model.predict(esol.smiles).mean[:, 0]
    assert (0 < p).all() and (p < 1).all()
    held_out = model.report["held_out"][0]
    assert model.report["task"] == "binary" and sum(held_out["class_counts"]) == held_out["n"]
    assert held_out["auroc"] > 0.5 == held_out["mean_auroc"]


def test_multiclass_has_an_output_a_class(small, esol):
    thirds = np.digitize(esol.values, np.quantile(esol.values, [1 / 3, 2 / 3]))
    model = molrt.finetune(small, esol.smiles, thirds, "third", task="multiclass", epochs=5, folds=3)
    assert model.target_names == ["third_0", "third_1", "third_2"]
    assert model.held_out.shape == (len(esol.smiles), 3)
    np.testing.assert_allclose(model.held_out.sum(axis=1), 1, atol=1e-6)
    counts = model.report["held_out"][0]["class_counts"]
    assert counts == np.bincount(thirds).tolist()


def test_report_has_scikit_learns_metrics(small, esol):
    """Of the very predictions that held_out gives."""
    metrics = pytest.importorskip("sklearn.metrics")
    above = np.array([int(value > np.median(esol.values)) for value in esol.values])
    model = molrt.finetune(small, esol.smiles, above, task="binary", epochs=5, folds=2)
    p, found = model.held_out[:, 0].astype(float), model.report["held_out"][0]
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(above, p), abs=1e-12)
    assert found["auprc"] == pytest.approx(metrics.average_precision_score(above, p), abs=1e-12)
    assert found["f1"] == pytest.approx(metrics.f1_score(above, p > 0.5), abs=1e-12)
    assert found["logloss"] == pytest.approx(metrics.log_loss(above, p), abs=1e-12)


def test_warnings_go_to_the_log(small, esol, caplog):
    model = molrt.finetune(small, esol.smiles, [float(v > -2) for v in esol.values], epochs=1)
    assert any("task=binary" in warning for warning in model.report["warnings"])
    assert "task=binary" in caplog.text


@pytest.mark.parametrize("targets, settings, error, text", [
    (["high", "low"], {}, molrt.DataError, r"targets\[0\]: 'high' is no number"),
    ([0, 2], {"task": "binary"}, molrt.DataError, "row 2: target 'target' is 2; task=binary"),
    ([0, 1], {"task": "binary", "loss": "mae"}, molrt.InvalidArgumentError, "measured values"),
    ([0, 1], {"class_weights": "balanced"}, molrt.InvalidArgumentError, "no classes"),
])
def test_wrong_classes(small, targets, settings, error, text):
    with pytest.raises(error, match=text):
        molrt.finetune(small, ["C", "CC"], targets, **settings)


@pytest.mark.parametrize("arguments, error, text", [
    ({"groups": ["a"]}, ValueError, "groups has 1 entries, but there are 2 molecules"),
    ({"groups": ["a", "b"], "split": "random"}, molrt.InvalidArgumentError, "does not use them"),
    ({"split": "group"}, molrt.InvalidArgumentError, "split=group needs groups.*groups="),
    ({"groups": ["a", None]}, ValueError, r"groups\[1\] is None"),
    ({"columns": np.ones((2, 1))}, TypeError, "columns is a ndarray"),
    ({"columns": {"T": [1, "x"]}}, ValueError, r"columns\['T'\].*'x'"),
    ({"parts": ["train", "trial"]}, molrt.InvalidArgumentError, "trial"),
    ({"parts": [0, 2**40]}, molrt.InvalidArgumentError, "row 2: part 2147483647"),
    ({"parts": [0, .5]}, TypeError, "no number of a fold"),
    ({"sample_weights": [1, -2]}, molrt.InvalidArgumentError, "row 2: weight -2"),
    ({"sample_weights": [0, 0]}, molrt.InvalidArgumentError, "all 2 weights are 0"),
    ({"sample_weights": [1, float("nan")]}, molrt.InvalidArgumentError, "row 2: weight nan"),
])
def test_wrong_columns(small, arguments, error, text):
    with pytest.raises(error, match=text):
        molrt.finetune(small, ["C", "CC"], [1, 2], **arguments)


def test_intervals_of_several_seeds_are_about_the_prediction(small, esol):
    model = molrt.finetune(small, esol.smiles, [10 + v * v for v in esol.values], epochs=10, seeds=3, folds=2,
                           target_scaling="power")
    middle = (model.held_out_low + model.held_out_high) / 2
    known = np.isfinite(middle)
    assert known.any()
    np.testing.assert_allclose(middle[known], model.held_out[known], rtol=1e-5)
