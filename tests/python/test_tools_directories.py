"""Directories saved by unimol_tools, and the tasks that they bring."""

import shutil

import numpy as np
import pytest

import molrt
from conftest import BAD, DATA, GOOD, given, golden, relative_error


@pytest.fixture(scope="module")
def molecules():
    return given(golden("molecule_linear_forward.npz"))


@pytest.mark.parametrize("name", ["standard", "multi", "robust", "binary"])
def test_predictions_are_the_peers(name, molecules, tmp_path):
    expected = golden(f"tools_0_1_6_{name}/expected.npz")
    model = molrt.load(DATA / f"tools_0_1_6_{name}")
    assert relative_error(model.predict(**molecules).mean, expected["prediction"]) < 1e-5
    assert model.info["folds"] == model.info["encoders"] == 2
    model.save(tmp_path / "one")
    again = molrt.load(tmp_path / "one")
    assert again.predict(**molecules).mean.tobytes() == model.predict(**molecules).mean.tobytes()


def test_folds_begin_at_0():
    with pytest.raises(molrt.InvalidArgumentError, match="fold=-1"):
        molrt.load(DATA / "tools_0_1_6_standard", fold=-1)


def test_binary():
    model = molrt.load(DATA / "tools_0_1_6_binary")
    result = model.predict(GOOD + list(BAD))
    assert result.task == model.info["task"] == "binary"
    assert model.thresholds.shape == (1,) and 0 < model.thresholds[0] < 1
    good = result.ok
    assert (result.labels[good] == (result.mean[good] > model.thresholds)).all()
    assert (result.labels[~good] == -1).all() and result.labels.dtype == np.int32


def test_multiclass_and_multilabel(tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(DATA / "tools_0_1_6_multi", folder)
    settings = (folder / "config.yaml").read_text()
    task = "multilabel_regression"
    (folder / "config.yaml").write_text(settings.replace(task, "multilabel_classification"))
    result = molrt.load(folder).predict(GOOD + list(BAD))
    assert result.task == "multilabel" and result.labels.shape == (len(GOOD) + len(BAD), 3)
    assert (result.labels[result.ok] == (result.mean[result.ok] > 0.5)).all()
    assert np.isnan(molrt.load(folder).thresholds).all()
    settings = settings.replace(task, "multiclass").replace("a,b,c", "x").replace(
        "num_classes: 3", "num_classes: 1")
    (folder / "config.yaml").write_text(settings)
    result = molrt.load(folder).predict(GOOD + list(BAD))
    assert result.target_names == ["x_0", "x_1", "x_2"]
    np.testing.assert_allclose(result.mean[result.ok].sum(axis=1), 1, rtol=1e-6)
    assert list(result.labels[result.ok]) == list(result.mean[result.ok].argmax(axis=1))
    assert list(result.labels[~result.ok]) == [-1] * len(BAD)


def test_one_fold(molecules):
    path = DATA / "tools_0_1_6_standard"
    with pytest.raises(molrt.Error, match="different encoders"):
        molrt.load(path).embed(GOOD)
    folds = [molrt.load(path, fold=i) for i in range(2)]
    assert all(np.isfinite(fold.embed(GOOD).cls).all() for fold in folds)
    means = [fold.predict(**molecules).mean for fold in folds]
    both = molrt.load(path).predict(**molecules)
    np.testing.assert_allclose(both.mean, sum(means) / 2, rtol=1e-5)
    assert both.labels is None and both.task == "regression"
    with pytest.raises(ValueError, match="2 folds"):
        molrt.load(path, fold=2)
