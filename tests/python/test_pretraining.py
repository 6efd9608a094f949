"""pretrain(), its settings, sources and what stays out."""

import inspect
import pickle

import numpy as np
import pytest

import molrt
from conftest import DATA, GOOD

ARCHIVE = DATA / "geometries.npz"
SIZES = {"layers": 1, "width": 16, "ffn": 16, "heads": 2}
QUICK = {"steps": 4, "batch_size": 4, "evaluate_every": 2, "threads": 1}
SMALL = {**SIZES, **QUICK}


def test_an_archive_and_molecules():
    values = [None if i % 3 == 0 else float(i) for i in range(len(GOOD))]
    model = molrt.pretrain(ARCHIVE, GOOD, labels={"gap": values}, holdout=0, **SMALL)
    assert isinstance(model, molrt.PretrainedModel) and model.info["outputs"] == 0
    first, second = model.report["pretraining"]["sources"]
    assert (first["name"], first["used"]) == ("geometries.npz", 20)
    assert (second["used"], second["unusable"]) == (len(GOOD), 0)
    with np.load(ARCHIVE) as file:
        known = [*file["gap"][np.isfinite(file["gap"])], *(v for v in values if v is not None)]
    (target,) = model.report["pretraining"]["targets"]
    assert target["values"] == len(known)
    assert target["mean"] == pytest.approx(np.mean(known), rel=1e-6)
    assert [point["step"] for point in model.report["history"]] == [2, 4]
    assert model.embed(["CCO"]).cls.shape == (1, 16)


def test_given_geometries_are_those_of_the_archive(tmp_path):
    shapes = molrt.conformers(GOOD, threads=1)
    numbers = {"H": 1, "C": 6, "N": 7, "O": 8}
    np.savez(tmp_path / "a.npz", natoms=[len(s) for s in shapes.symbols],
             Z=[numbers[symbol] for s in shapes.symbols for symbol in s],
             xyz=np.concatenate(shapes.coordinates))
    ours = molrt.pretrain(symbols=shapes.symbols, coordinates=shapes.coordinates, holdout=0, **SMALL)
    theirs = molrt.pretrain([tmp_path / "a.npz"], holdout=0, **SMALL)
    ours, theirs = ([point["train"] for point in m.report["history"]] for m in (ours, theirs))
    assert ours == theirs


def test_excluded_molecules_and_bad_ones(caplog):
    smiles = ["C[C@H](N)O", "C[C@@H](N)O", "OCC", "not a molecule", *GOOD]
    model = molrt.pretrain(smiles=smiles, exclude=["CC(N)O"], **SMALL)
    (source,) = model.report["pretraining"]["sources"]
    assert (source["used"], source["excluded"], source["unusable"]) == (len(GOOD) + 1, 2, 1)
    assert "not a molecule" in source["first_unusable"]
    assert "1 of 14 without a usable geometry" in caplog.text


def test_goes_on_from_a_model_or_a_file(tmp_path):
    first = molrt.pretrain(ARCHIVE, targets="gap", **SMALL)
    first.save(tmp_path / "a.molrt")
    for start in first, tmp_path / "a.molrt":
        again = molrt.pretrain(ARCHIVE, targets="gap", start=start, seed=1, **QUICK)
        assert again.report["start"]["pretraining"]["steps"] == 4
        assert again.report["pretraining"]["targets"][0]["mean"] == first.report["pretraining"]["targets"][0]["mean"]
    assert molrt.finetune(again, GOOD, range(len(GOOD)), epochs=1).info["width"] == 16


def test_hydrogens_and_kernel():
    model = molrt.pretrain(ARCHIVE, kernel="linear", hydrogens="none", **SMALL)
    assert model.info["kernel"] == "linear" and model.info["hydrogens"] == "none"


def test_progress_tells_of_reading_and_training():
    seen = []
    molrt.pretrain(ARCHIVE, GOOD, progress=lambda stage, done, total, **details: seen.append((stage, done, total, details)),
                   **SMALL)
    assert {stage for stage, *_ in seen} == {"reading", "conformers", "pretraining"}
    assert ("reading", 20, 20, {}) in seen
    details = [d for stage, _, _, d in seen if stage == "pretraining"]
    assert [d["step"] for d in details] == sorted(d["step"] for d in details)
    assert {d["steps"] for d in details} == {4}
    assert all(d["train_rows"] + d["held_out_rows"] == 20 + len(GOOD) for d in details)


def test_stopped_and_gone_on_with(tmp_path):
    def stop(stage, done, total, **details):
        if stage == "pretraining" and details["step"] == 3:
            raise KeyboardInterrupt
    how = {**SMALL, "steps": 6, "checkpoint": tmp_path / "run"}
    whole = molrt.pretrain(ARCHIVE, **{**how, "checkpoint": None})
    with pytest.raises(KeyboardInterrupt) as stopped:
        molrt.pretrain(ARCHIVE, progress=stop, **how)
    assert stopped.value.model.report["pretraining"]["steps"] == 3
    with pytest.raises(molrt.InvalidArgumentError, match="lr was 0.0001, is now 0.01"):
        molrt.pretrain(ARCHIVE, resume=True, lr=.01, **how)
    again = molrt.pretrain(ARCHIVE, resume=True, **how)
    whole.save(tmp_path / "whole")
    again.save(tmp_path / "again")
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "again").read_bytes()
    assert (tmp_path / "run" / "run.json").exists()


def test_reading_is_stopped():
    def stop(stage, done, total, **details):
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        molrt.pretrain(ARCHIVE, progress=stop, **SMALL)


def test_the_page_and_a_pickle(tmp_path):
    model = molrt.pretrain(ARCHIVE, **SMALL)
    page = model.html()
    assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    model.save_report(tmp_path / "p.html")
    assert (tmp_path / "p.html").read_text(encoding="utf-8") == page
    again = pickle.loads(pickle.dumps(model))
    assert again.report == model.report and again.html() == page


def test_settings_table():
    table = {setting.keyword: setting for setting in molrt.pretraining_settings()}
    assert table["steps"].type == "int" and table["lr"].type == "float"
    assert table["precision"].choices == ["f32", "split", "bf16"]
    assert all(s.help and s.since and s.minimum <= s.maximum for s in table.values())
    own = set(inspect.signature(molrt.pretrain).parameters)
    assert not own & set(table), "a setting that pretrain() hides"


@pytest.mark.parametrize("arguments, error, text", [
    ({"step": 3}, TypeError, r"pretrain\(\) has no setting 'step'; the nearest is 'steps'"),
    ({"epochs": 3}, TypeError, "pretraining_settings"),
    ({"lr": -1.}, molrt.InvalidArgumentError, "lr"),
    ({"labels": {"y": [1]}}, ValueError, "labels needs smiles"),
    ({"smiles": ["C"], "labels": {"y": [1, 2]}}, ValueError, r"labels\['y'\] has shape \(2,\)"),
    ({"smiles": ["C"], "labels": {"y": ["a"]}}, ValueError, r"labels\['y'\]"),
    ({"smiles": ["C"], "labels": {"y": [1]}, "targets": ["z"]}, ValueError, "'y', which is not in targets"),
    ({"smiles": ["C"], "labels": {"y": [1e300]}}, molrt.DataError, "target 'y'.*infinite"),
    ({"smiles": "C"}, TypeError, "single text"),
    ({"symbols": [["C"]]}, TypeError, "coordinates"),
    ({"targets": ["y", "y"]}, molrt.InvalidArgumentError, "twice"),
    ({"targets": ["homo"]}, molrt.DataError, "'homo': no molecule in training has a value"),
    ({"exclude": "CCO"}, TypeError, "exclude is a single text"),
    ({"exclude": [None]}, TypeError, r"exclude\[0\]"),
    ({"exclude": ["C1CC"]}, molrt.Error, "C1CC"),
    ({"archives": "/no/such.npz"}, molrt.FileError, "/no/such.npz"),
    ({"archives": DATA / "esol.csv"}, molrt.FormatError, "esol.csv: expected a NumPy archive"),
    ({"archives": DATA / "molecule_linear_forward.npz"}, molrt.FormatError, "array '.*' is missing"),
    ({"archives": []}, molrt.DataError, "no molecules"),
    ({"batch_size": 1000}, molrt.DataError, "'batch_size' is 1000"),
    ({"resume": True}, ValueError, "checkpoint"),
    ({"progress": 5}, TypeError, "progress=5"),
    ({"kernel": "round"}, ValueError, "kernel='round'"),
    ({"start": DATA / "molecule_pretrained.pt"}, ValueError, "layers=1 is of a new network"),
])
def test_wrong_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        molrt.pretrain(**{"archives": ARCHIVE, **SMALL, **arguments})
