"""molrt finetune --task: classes, their losses, scalers and what is said of them."""
import json

import pytest

from conftest import LINEAR, SMILES, molrt, rows

TRAIN = ["--epochs", "30", "--valid-fraction", "0.4", "--seed", "1"]


@pytest.fixture
def classes(table):
    """Whether there is oxygen, how many carbons there are (0: one or two ... 2: five and more)."""
    lines = ["smiles,oxygen,size,nitrogen"]
    for s in SMILES * 2:
        carbons = s.upper().replace("CL", "").count("C")
        lines.append(f"{s},{int('O' in s)},{0 if carbons < 3 else 1 if carbons < 5 else 2},"
                     f"{'' if s == 'CO' else int('N' in s)}")
    return table("\n".join(lines) + "\n")


def tune(path, tmp_path, *words, code=0):
    return molrt("finetune", "-w", LINEAR, path, "-o", tmp_path / "m.molrt", *words, *TRAIN, code=code)


def predictions(model, path):
    header, *table = rows(molrt("predict", "-m", model, path, "-q")[0])
    return {name: [row[i] for row in table] for i, name in enumerate(header)}


def test_binary(classes, tmp_path):
    out, log = tune(classes, tmp_path, "-t", "oxygen", "--task", "binary", "--json")
    report = json.loads(out)
    held_out = report["held_out"][0]
    assert report["task"] == "binary" and report["settings"]["loss"] == "bce"
    assert sum(held_out["class_counts"]) == held_out["n"] == 10
    assert held_out["mean_auroc"] == 0.5
    for part in "AUROC", "MCC", "log loss", "by class", "predicting the classes' frequencies":
        assert part in log
    model = json.loads(molrt("inspect", tmp_path / "m.molrt", "--json")[0])
    assert (model["task"], model["targets"]) == ("binary", ["oxygen"])
    assert model["thresholds"] == [held_out["threshold"]]
    predicted = predictions(tmp_path / "m.molrt", classes)
    for p, label in zip(predicted["oxygen_pred"], predicted["oxygen_label"]):
        assert 0 < float(p) < 1 and label == str(int(float(p) > held_out["threshold"]))


def test_multiclass(classes, tmp_path):
    out, log = tune(classes, tmp_path, "-t", "size", "--task", "multiclass", "--json", "--class-weights", "balanced")
    report = json.loads(out)
    assert report["outputs"] == ["size_0", "size_1", "size_2"] and report["classes"] == 3
    assert len(report["held_out"]) == 1 and "accuracy" in log
    predicted = predictions(tmp_path / "m.molrt", classes)
    for *p, label in zip(*(predicted[name] for name in ("size_0_pred", "size_1_pred", "size_2_pred", "size_label"))):
        p = [float(x) for x in p]
        assert sum(p) == pytest.approx(1, abs=1e-6) and label == str(p.index(max(p)))


def test_multilabel(classes, tmp_path):
    out, log = tune(classes, tmp_path, "-t", "oxygen", "-t", "nitrogen", "--task", "multilabel",
                    "--loss", "focal", "--focal-gamma", "1", "--json")
    report = json.loads(out)
    assert [t["name"] for t in report["held_out"]] == ["oxygen", "nitrogen"]
    assert report["settings"]["focal.gamma"] == 1
    assert "mean of the targets: AUROC" in log and report["held_out_mean"]["auroc"] is not None
    assert len(json.loads(molrt("inspect", tmp_path / "m.molrt", "--json")[0])["thresholds"]) == 2


@pytest.mark.parametrize("kind", ["robust", "log1p", "power", "quantile", "minmax", "auto", "none"])
def test_scalings_come_back(labelled, table, tmp_path, kind):
    """The stored scaler gives what the run held out."""
    tune(labelled, tmp_path, "-t", "second y", "--target-scaling", kind, "-q")
    model = json.loads(molrt("inspect", tmp_path / "m.molrt", "--json")[0])
    assert model["settings"]["target_scaling"] == kind
    values = [float(x) for x in predictions(tmp_path / "m.molrt", labelled)["second y_pred"] if x]
    assert max(values) > min(values)
    assert all(-20 < v < 40 for v in values)


@pytest.mark.parametrize("words, code, said", [
    (["-t", "size", "--task", "binary"], 3, "row 2: target 'size' is 2; task=binary expects 0 or 1"),
    (["-t", "oxygen", "-t", "nitrogen", "--task", "binary"], 3, "task=binary takes one target, found 2"),
    (["-t", "oxygen", "--task", "binary", "--loss", "mse"], 2, "--loss: mse is for measured values"),
    (["-t", "oxygen", "--task", "binary", "--target-scaling", "power"], 2, "classes are not scaled"),
    (["-t", "oxygen", "--task", "binary", "--solver", "ridge"], 2, "solver=ridge fits measured values"),
    (["-t", "oxygen", "--task", "binary", "--class-weights", "1,2,3"], 2, "takes two numbers"),
    (["-t", "size", "--task", "multiclass", "--class-weights", "1,2"], 2, "2 numbers for 3 classes"),
    (["-t", "oxygen", "--metric", "auroc"], 2, "auroc is for classes; the task is regression"),
    (["-t", "oxygen", "--class-weights", "balanced"], 2, "task=regression has no classes"),
    (["-t", "oxygen", "--task", "ternary"], 2, "regression|binary|multiclass|multilabel"),
])
def test_refusals(classes, tmp_path, words, code, said):
    _, log = tune(classes, tmp_path, *words, code=code)
    assert said in log
    assert not (tmp_path / "m.molrt").exists()


def test_warnings_are_said(classes, tmp_path):
    out, log = tune(classes, tmp_path, "-t", "oxygen", "--json", "--lr", "1e-12", "--inputs", "cls")
    assert "warning: target 'oxygen' has only the values 0 and 1: task=binary" in log
    assert "warning: the predictions of 'oxygen' are nearly constant" in log
    assert len(json.loads(out)["warnings"]) == 3  # and that such a file mostly has learnt before


def test_going_on_with_a_head_of_the_same_classes(classes, tmp_path):
    tune(classes, tmp_path, "-t", "size", "--task", "multiclass", "-q")
    again = ["finetune", "-w", tmp_path / "m.molrt", classes, "-o", tmp_path / "n.molrt", "--head-init", "base",
             *TRAIN]
    molrt(*again, "-t", "size", "--task", "multiclass", "-q")
    _, log = molrt(*again, "-t", "oxygen", "--task", "multiclass", code=2)
    assert "--head-init" in log
