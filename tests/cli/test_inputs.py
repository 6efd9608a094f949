"""Columns, descriptors and several conformers beside the representation."""
import json

import pytest

from conftest import LINEAR, SMILES, molrt, rows

TRAIN = ["--epochs", "5", "--folds", "2", "-q"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    path = tmp_path_factory.mktemp("inputs") / "train.csv"
    path.write_text("smiles,y,T,pH\n" + "".join(
        f"{s},{len(s) + i:g},{300 + 7 * (i % 5)},{'' if i == 3 else i % 4}\n" for i, s in enumerate(SMILES)))
    return path


@pytest.fixture(scope="module")
def model(measured, tmp_path_factory):
    path = tmp_path_factory.mktemp("inputs") / "m.molrt"
    molrt("finetune", "-w", LINEAR, measured, "-t", "y", "-o", path, "--input-column", "T",
          "--input-column", "#4", "--inputs", "cls+rdkit+morgan", "--morgan-bits", "64", *TRAIN)
    return path


def test_predict_finds_the_columns(model, measured, table):
    told = json.loads(molrt("inspect", model, "--json")[0])
    assert told["inputs"]["columns"] == ["T", "pH"]
    assert told["settings"]["inputs"] == "cls+rdkit+morgan" and told["settings"]["morgan.bits"] == 64
    out, log = molrt("predict", "-m", model, measured)
    assert [row[-1] for row in rows(out)[1:]] == ["input_missing" if i == 3 else "" for i in range(12)]
    assert "input_missing 1" in log
    moved = table("pH,name,T,smiles\n1,a,307,CCCO\n2,b,340,CCCO\n")
    a, b = rows(molrt("predict", "-m", model, moved, "-q")[0])[1:]
    assert a[4] != b[4]


def settings_of(path):
    return json.loads(molrt("inspect", path, "--json")[0])["settings"]


def test_by_default_the_head_reads_descriptors(measured, table, tmp_path):
    path = table("smiles,y,T\n" + "".join(f"{s},{len(s)},300\n" for s in SMILES))
    _, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", "--epochs", "2",
                   "--input-column", "T")
    assert "189 RDKit descriptors; constant, and so without effect: 'T' and " in log
    assert settings_of(tmp_path / "m")["inputs"] == "cls+rdkit"
    assert json.loads(molrt("inspect", tmp_path / "m", "--json")[0])["inputs"]["columns"] == ["T"]


def test_going_on_reads_what_the_base_model_reads(model, measured, tmp_path):
    words = ["finetune", "-w", model, measured, "-t", "y", "--head-init", "base", "--input-column", "T",
             "--input-column", "#4", *TRAIN]
    molrt(*words, "-o", tmp_path / "m")
    told = settings_of(tmp_path / "m")
    assert told["inputs"] == "cls+rdkit+morgan" and told["morgan.bits"] == 64
    _, log = molrt(*words, "--inputs", "cls", "-o", tmp_path / "n", code=2)
    assert "reads other inputs" in log


def test_predict_without_a_column(model, table):
    _, log = molrt("predict", "-m", model, table("smiles,T\nCC,300\n"), code=2)
    assert "reads the column 'pH' beside the molecules" in log


def test_a_cell_that_is_no_number_is_its_rows_status(model, table):
    out, log = molrt("predict", "-m", model, table("smiles,T,pH\nCC,300,1\nCCC,cold,1\nCCCC,300,1\n"))
    assert [row[-2] for row in rows(out)[1:]] == ["etkdg_mmff", "bad_row", "etkdg_mmff"]
    assert "row 2 (line 3): bad_row: column 'T': 'cold' is no number" in log


def test_panels_read_their_own_columns(model, measured, tmp_path):
    other = tmp_path / "other.molrt"
    molrt("finetune", "-w", LINEAR, measured, "-t", "y", "-o", other, "--input-column", "pH", *TRAIN)
    header, *both = rows(molrt("predict", "-m", model, "-m", other, measured, "-q")[0])
    for path, column in (model, "m_y"), (other, "other_y"):
        alone = rows(molrt("predict", "-m", path, measured, "-q")[0])[1:]
        assert [row[4] for row in alone] == [row[header.index(column)] for row in both]


@pytest.mark.parametrize("words, code, said", [
    (["--input-column", "y"], 2, "--input-column y is a --target too"),
    (["--input-column", "T", "--input-column", "T"], 2, "--input-column T is given twice"),
    (["--input-column", "temperature"], 2, "no column 'temperature'"),
    (["--input-column", "smiles"], 3, "column 'smiles': 'CCO' is no number"),
    (["--morgan-bits", "64"], 2, "--morgan-bits"),
    (["--inputs", "morgan"], 2, "cls|cls+rdkit|cls+morgan"),
    (["--conformers", "65"], 2, "64 conformers"),
])
def test_refusals(measured, tmp_path, words, code, said):
    _, log = molrt("finetune", "-w", LINEAR, measured, "-t", "y", "-o", tmp_path / "m", *words, code=code)
    assert said in log
    assert not list(tmp_path.glob("*"))


def test_several_conformers(measured, tmp_path):
    for name in "one.molrt", "again.molrt":
        molrt("finetune", "-w", LINEAR, measured, "-t", "y", "-o", tmp_path / name, "--conformers", "3", *TRAIN)
    same = (tmp_path / "one.molrt").read_bytes() == (tmp_path / "again.molrt").read_bytes()
    assert same
    out, _ = molrt("predict", "-m", tmp_path / "one.molrt", measured, "--conformers", "3", "-q")
    assert len(rows(out)) == 13


def test_whole_networks_read_them_too(measured, tmp_path):
    weights = tmp_path / "tiny.molrt"
    molrt("init", "-o", weights, "--layers", "1", "--width", "8", "--ffn", "16", "--heads", "2", "-q")
    words = ["--freeze-prefix", "none", "--inputs", "cls+rdkit", "--input-column", "T", "--conformers", "2"]
    molrt("finetune", "-w", weights, measured, "-t", "y", "-o", tmp_path / "m", *words, *TRAIN)
    out, _ = molrt("predict", "-m", tmp_path / "m", measured, "--conformers", "2", "-q")
    assert all(row[4] for row in rows(out)[1:])
