"""Several models in one run, several conformers a molecule, canonical SMILES."""
import io
import json
import shutil

import numpy
import pytest

from conftest import LINEAR, OLED, SMILES, molrt, rows

TABLE = "smiles\n" + "".join(f"{s}\n" for s in [*SMILES, "C1CC", "[H][H]"])


@pytest.fixture
def twins(model, tmp_path):
    """The same model under two names, whose stems are equal."""
    paths = [tmp_path / "a" / "solubility.molrt", tmp_path / "b" / "solubility.molrt"]
    for path in paths:
        path.parent.mkdir()
        shutil.copy(model, path)
    return paths


def columns(text):
    header, *body = rows(text)
    return {name: [row[i] for row in body] for i, name in enumerate(header)}


def test_a_panel_says_what_each_model_says_alone(model, table):
    path = table(TABLE)
    alone = [columns(molrt("predict", "-m", m, path, "-q")[0]) for m in (model, LINEAR, OLED)]
    both = columns(molrt("predict", "-m", model, "-m", LINEAR, "--model", OLED, path, "-q")[0])
    assert list(both) == [
        "smiles", "model_y", "model_y_std", "model_y_error", "model_y_low", "model_y_high",
        "model_second y", "model_second y_std", "model_second y_error", "model_second y_low",
        "model_second y_high", "model_status",
        "model_flags", "molecule_linear_target", "molecule_linear_target_std",
        "molecule_linear_status", "molecule_linear_flags", "oled_linear_target",
        "oled_linear_target_std", "oled_linear_status", "oled_linear_flags"]
    assert both["model_y"] == alone[0]["y_pred"]
    assert both["model_second y_std"] == alone[0]["second y_std"]
    assert both["molecule_linear_target"] == alone[1]["target_pred"]
    assert both["oled_linear_target"] == alone[2]["target_pred"]
    assert both["oled_linear_status"] == alone[2]["status"]
    assert both["oled_linear_status"][-1] == "no_atoms"
    assert both["model_status"][-1] == "etkdg"


def test_the_summary_is_by_model(model, twins, table):
    log = molrt("predict", "-m", twins[0], "-m", twins[1], "-m", LINEAR, table(TABLE), "-v")[1]
    assert "solubility:" in log and "solubility_2:" in log and "molecule_linear:" in log


def test_names_of_models_are_made_unique(twins, table):
    header = rows(molrt("predict", "-m", twins[0], "-m", twins[1], table("smiles\nC\n"), "-q")[0])[0]
    assert header[1] == "solubility_y" and "solubility_2_y" in header


def test_npy_and_json_of_a_panel(model, table, tmp_path):
    path = table("smiles,y\nCCO,1\nCC,2\nbad,3\n")
    out = tmp_path / "out.npy"
    text, _ = molrt("predict", "-m", model, "-m", LINEAR, path, "-o", out, "--json")
    matrix = numpy.load(out)
    assert matrix.shape == (3, 3)
    alone = numpy.load(io.BytesIO(bytes(molrt_bytes("predict", "-m", LINEAR, path, "--format", "npy",
                                                    "-q"))))
    assert (matrix[:2, 2:] == alone[:2]).all() and numpy.isnan(matrix[2]).all()
    models = json.loads(text)["models"]
    assert models["model"]["metrics"]["y"]["n"] == 2
    assert models["molecule_linear"] == {**models["molecule_linear"], "ok": 2, "failed": 1}


def molrt_bytes(*arguments):
    import subprocess
    from conftest import BIN
    return subprocess.run([BIN, *map(str, arguments)], capture_output=True, check=True).stdout


def test_a_model_without_a_head_is_named(model, table, tmp_path):
    bare = tmp_path / "bare.molrt"
    molrt("init", "--layers", 1, "--width", 16, "--ffn", 16, "--heads", 2, "-o", bare, "-q")
    assert "bare.molrt: has no property head" in molrt(
        "predict", "-m", model, "-m", bare, table(TABLE), code=2)[1]


def test_several_conformers_are_averaged(table):
    path = table(TABLE)
    one = columns(molrt("predict", "-m", LINEAR, path, "-q")[0])
    recipe = ["--conformers", 3, "--flat-conformer", "--conformer-seed", 0]
    outputs = [molrt("predict", "-m", LINEAR, path, "-q", *recipe, *more)[0]
               for more in ([], ["--threads", 1], ["--threads", 2, "--batch-size", 1])]
    assert outputs[0] == outputs[1] == outputs[2]
    several = columns(outputs[0])
    assert several["status"] == one["status"]  # not 2d: the drawing was asked for
    assert several["target_pred"][:5] != one["target_pred"][:5]
    seeds = [columns(molrt("predict", "-m", LINEAR, path, "-q", "--conformer-seed", s, *more)[0])
             for s, more in ((0, []), (1, []), (0, ["--flat-conformer"]))]
    for row in range(len(SMILES)):
        mean = sum(float(s["target_pred"][row]) for s in seeds) / 3
        assert float(several["target_pred"][row]) == pytest.approx(mean, rel=1e-5, abs=1e-6)


def test_canonical_gives_one_answer_for_any_text(table):
    path = table("smiles\nOCC\nCCO\n[H]OCC\nC(O)C\n")
    answers = columns(molrt("predict", "-m", LINEAR, path, "--canonical", "-q")[0])["target_pred"]
    assert len(set(answers)) == 1
    assert len(set(columns(molrt("predict", "-m", LINEAR, path, "-q")[0])["target_pred"])) > 1


def test_records_of_several_conformers(table, tmp_path):
    path = table("id,smiles\na,CCO\nb,bad\nc,CN\n")
    text = molrt("conformers", path, "--format", "sdf", "--conformers", 2, "--name", "id", "-q")[0]
    records = text.split("$$$$\n")[:-1]
    assert [(r.split("\n")[0], r.split("> <conformer>\n")[1]) for r in records] == [
        ("a", "0\n\n"), ("a", "1\n\n"), ("c", "0\n\n"), ("c", "1\n\n")]
    assert records[0].split("M  END")[0] != records[1].split("M  END")[0]
    assert "conformer>" not in molrt("conformers", path, "--format", "sdf", "-q")[0]
    counted = columns(molrt("conformers", path, "--conformers", 2, "-q")[0])
    assert counted["conformers"] == ["2", "0", "2"]
    out = tmp_path / "out.safetensors"
    molrt("conformers", path, "--conformers", 2, "-o", out, "-q")
    raw = out.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + size])

    def array(name, kind):
        begin, end = head[name]["data_offsets"]
        return numpy.frombuffer(raw[8 + size + begin:8 + size + end], kind)
    assert list(array("conformers", "<i8")) == [2, 0, 2]
    assert list(array("offsets", "<i8")) == [0, 18, 18, 32]
    assert len(array("coordinates", "<f4")) == 3 * 32
    assert list(array("input_index", "<i8")[:9]) == [0, 1, 2] + [-1] * 6


@pytest.mark.parametrize("option, value", [("--conformers", "0"), ("--conformers", "1001"),
                                           ("--conformers", "x")])
def test_numbers_of_conformers_out_of_range(table, option, value):
    molrt("predict", "-m", LINEAR, table(TABLE), option, value, code=2)
