"""Directories saved by unimol_tools, in every command that opens weights."""
import json
import shutil
import time

import numpy
import pytest

from conftest import DATA, LINEAR, molrt, rows

GOLDEN = "CCO\nc1ccccc1\nCC(=O)O\n"


@pytest.fixture
def folder(tmp_path):
    """Copies a golden directory, which the test may spoil. Most have the same weights, stored once."""
    def copy(name, **changes):
        target = tmp_path / name
        shutil.copytree(DATA / "tools_0_1_6_standard", target,
                        ignore=lambda *_: ["config.yaml", "expected.npz", "target_scaler.ss"])
        shutil.copytree(DATA / f"tools_0_1_6_{name}", target, dirs_exist_ok=True)
        lines = (target / "config.yaml").read_text().splitlines()
        lines = [line for line in lines if line.split(":")[0] not in changes]
        lines += [f"{key}: {value}" for key, value in changes.items() if value is not None]
        (target / "config.yaml").write_text("\n".join(lines) + "\n")
        return target
    return copy


def test_predictions_are_the_peers(table, folder):
    """From the SMILES on: the golden coordinates are of this RDKit's ladder `peer`."""
    for name in "standard", "multi", "robust", "power", "log1p", "quantile", "none":
        expected = numpy.load(DATA / f"tools_0_1_6_{name}" / "expected.npz")
        content = "smiles\n" + "".join(f'"{s}"\n' for s in expected["smiles"])
        text, log = molrt("predict", "-m", folder(name), "--ladder", "peer", table(content))
        header, *found = rows(text)
        targets = expected["prediction"].shape[1]
        values = numpy.array([[float(row[1 + 2 * t]) for t in range(targets)] for row in found])
        assert numpy.abs(values - expected["prediction"]).max() < 1e-5 * abs(expected["prediction"]).max()
        assert all(float(row[2]) > 0 for row in found)  # the folds' deviation
        assert "assuming" not in log  # the directory says everything


def test_converted_predicts_the_same(table, folder, tmp_path):
    source, model, molecules = folder("binary"), tmp_path / "m.molrt", table("smiles\n" + GOLDEN)
    log = molrt("convert", source, "-o", model)[1]
    assert "binary linear head, 1 output, 2 folds" in log
    before = molrt("predict", "-m", source, molecules)[0]
    assert molrt("predict", "-m", model, molecules)[0] == before
    assert rows(before)[0] == ["smiles", "logS_pred", "logS_std", "logS_label", "status", "flags"]


def test_labels_are_by_the_threshold(table, folder):
    molecules = table("smiles\n" + GOLDEN + "nope\n")
    source = folder("binary")
    threshold = json.loads(molrt("inspect", source, "--json")[0])["thresholds"][0]
    *found, bad = rows(molrt("predict", "-m", source, molecules)[0])[1:]
    assert bad[1:4] == ["", "", ""]
    for row in found:
        assert row[3] == str(int(float(row[1]) > threshold))
    (source / "threshold.dat").unlink()
    text, log = molrt("predict", "-m", source, molecules)
    assert "threshold.dat" in log
    assert [row[3] for row in rows(text)[1:4]] == [
        str(int(float(row[1]) > .5)) for row in rows(text)[1:4]]


def test_classes(table, folder):
    source = folder("multi", task="multiclass", num_classes=1, target_cols="colour")
    header, *found = rows(molrt("predict", "-m", source, table("smiles\n" + GOLDEN))[0])
    assert header == ["smiles", "colour_0_pred", "colour_0_std", "colour_1_pred", "colour_1_std",
                      "colour_2_pred", "colour_2_std", "colour_label", "status", "flags"]
    for row in found:
        values = [float(row[i]) for i in (1, 3, 5)]
        assert abs(sum(values) - 1) < 1e-6
        assert row[7] == str(int(numpy.argmax(values)))


def test_labels_of_several_targets(table, folder):
    source = folder("multi", task="multilabel_classification")
    header, *found = rows(molrt("predict", "-m", source, table("smiles\n" + GOLDEN))[0])
    assert header[1:10] == ["a_pred", "a_std", "a_label", "b_pred", "b_std", "b_label", "c_pred",
                            "c_std", "c_label"]
    for row in found:
        assert [row[i] for i in (3, 6, 9)] == [str(int(float(row[i]) > .5)) for i in (1, 4, 7)]


def test_embedding_needs_one_fold(table, folder, tmp_path):
    source, molecules = folder("none"), table("smiles\n" + GOLDEN)
    log = molrt("embed", "-m", source, molecules, code=3)[1]
    assert "2 different encoders" in log and "fold" in log
    first, second = (molrt("embed", "-m", source, "--fold", fold, molecules, "-q")[0] for fold in (0, 1))
    assert first != second and rows(first)[1][1]
    assert "the model has 2 folds" in molrt("embed", "-m", source, "--fold", 2, molecules, code=2)[1]


def test_a_fold_can_be_fine_tuned(folder, labelled, tmp_path):
    source = folder("none")
    options = ["-o", tmp_path / "m", "-t", "y", "--epochs", 2, "-q"]
    assert "different encoders" in molrt("finetune", "-w", source, labelled, *options, code=3)[1]
    molrt("finetune", "-w", source, "--fold", 1, labelled, *options)
    model = json.loads(molrt("inspect", tmp_path / "m", "--json")[0])
    assert model["task"] == "regression" and model["provenance"]["fold"] == 1
    assert model["layout"] == "specials_first"


def test_inspect(folder):
    source = folder("power")
    model = json.loads(molrt("inspect", source, "--json")[0])
    assert model["task"] == "regression" and model["folds"] == 2
    assert model["scalers"][0][0]["kind"] in ("yeo_johnson", "box_cox")
    assert 200_000 < model["bytes_read"] < model["file_bytes"]
    assert "yeo_johnson" in (text := molrt("inspect", source)[0]) or "box_cox" in text


def test_what_is_wrong_is_named(folder, table, tmp_path):
    molecules = table("smiles\nC\n")
    source = folder("standard")
    for key, value in {"model_name": "unimolv2", "data_type": "protein", "task": "repr"}.items():
        broken = folder("robust", **{key: value})
        log = molrt("predict", "-m", broken, molecules, code=3)[1]
        assert f"'{key}'" in log and value in log and "config.yaml" in log
        shutil.rmtree(broken)
    (source / "model_1.pth").unlink()
    assert "model_1.pth" in molrt("predict", "-m", source, molecules, code=1)[1]
    (tmp_path / "none").mkdir()
    log = molrt("inspect", tmp_path / "none", code=1)[1]
    assert "a directory without config.yaml" in log


@pytest.mark.parametrize("words", [
    ["convert", "DIR", "-o", "DIR/model_0.pth"],
    ["predict", "-m", "DIR", "TABLE", "-o", "DIR/config.yaml", "--format", "csv"]])
def test_outputs_that_would_replace_what_is_read(words, tmp_path, table):
    folder = tmp_path / "m"
    shutil.copytree(DATA / "tools_0_1_6_standard", folder)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    words = [w.replace("DIR", str(folder)).replace("TABLE", str(table("smiles\nCCO\n"))) for w in words]
    assert str(folder) in molrt(*words, code=2)[1]
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_an_empty_output(tmp_path, table, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = table("smiles\nCCO\n")
    for words in (["predict", "-m", LINEAR, path, "-o", ""], ["convert", LINEAR, "-o", ""]):
        assert "empty" in molrt(*words, code=2)[1]
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]


def test_a_table_with_huge_structures(table):
    """Their canonical SMILES would take minutes."""
    atoms = 3000
    block = "\n".join(["chain", "", "", "  0  0  0     0  0            999 V3000", "M  V30 BEGIN CTAB",
                       f"M  V30 COUNTS {atoms} {atoms - 1} 0 0 0", "M  V30 BEGIN ATOM"] +
                      [f"M  V30 {i + 1} C {1.3 * i} {i % 2} 0.5 0" for i in range(atoms)] +
                      ["M  V30 END ATOM", "M  V30 BEGIN BOND"] +
                      [f"M  V30 {i} 1 {i} {i + 1}" for i in range(1, atoms)] +
                      ["M  V30 END BOND", "M  V30 END CTAB", "M  END", "$$$$", ""])
    start = time.monotonic()
    out = molrt("predict", "-m", LINEAR, table(block, "in.sdf"))[0]
    assert "too_large" in out and time.monotonic() - start < 60
