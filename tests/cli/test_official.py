"""Uni-Mol's official weight files: the list, verification, and options that contradict what they are."""
import json
import shutil

import pytest

from conftest import DATA, LINEAR, OLED, POOLER, molrt, rows

NO_H, ALL_H = "mol_pre_no_h_220816.pt", "mol_pre_all_h_220816.pt"
OLED_NO_H, CRYSTALS = "oled_pre_no_h_230101.pt", "mp_all_h_230313.pt"


@pytest.fixture
def pretending(tmp_path):
    """A small file under an official name."""
    def copy(name, weights=LINEAR):
        return shutil.copy(weights, tmp_path / name)
    return copy


@pytest.fixture
def swapped(tmp_path):
    """The shipped molecule dictionary with C and N in each other's place."""
    text = (DATA / "molecule.dict.txt").read_text()
    assert "\nC\nN\n" in text
    path = tmp_path / "swapped.txt"
    path.write_text(text.replace("\nC\nN\n", "\nN\nC\n"))
    return path


def test_the_list_is_found_from_the_help_and_names_all_there_is_to_know():
    assert "--list" in molrt("convert", "--help")[0]
    text = molrt("convert", "--list")[0]
    files = json.loads(molrt("convert", "--list", "--json")[0])
    assert [f["name"] for f in files] == [NO_H, ALL_H, OLED_NO_H, CRYSTALS]
    for file in files:
        assert file["licence"] == "MIT"
        assert file["layout"] == "file_order"
        assert file["hydrogens"] == ("none" if "_no_h_" in file["name"] else "all")
        assert all(home.endswith("/" + file["name"]) and home in text for home in file["homes"])
        assert file["sha256"] is None or file["sha256"] in text
        assert file["dictionary"] in text
    assert [f["vocabulary"] for f in files] == [31, 31, 94, 94]
    assert text.count("about 324 MB") == 2


@pytest.mark.parametrize("others, name", [
    (["weights.pt"], "input"), (["-o", "x"], "--output"), (["--dtype", "f16"], "--dtype"),
    (["--hydrogens", "all"], "--hydrogens"), (["--unverified"], "--unverified"), (["-v"], "--verbose")])
def test_the_list_takes_no_conversion(others, name):
    assert f"it takes no {name}" in molrt("convert", "--list", *others, code=2)[1]


def test_input_and_output_are_still_required():
    assert "required" in molrt("convert", code=2)[1]
    assert "required" in molrt("convert", LINEAR, code=2)[1]


@pytest.mark.parametrize("name, expected", [(NO_H, "190540187 bytes"), (OLED_NO_H, "about 324 MB")])
def test_a_download_that_was_cut_off_is_an_error_until_told_otherwise(pretending, tmp_path, name, expected):
    file, output = pretending(name), tmp_path / "out.molrt"
    log = molrt("convert", file, "-o", output, code=3)[1]
    for word in expected, "found 507380 bytes", "cut off", "https://", "--unverified":
        assert word in log
    assert not output.exists()
    summary, log = molrt("convert", file, "-o", output, "--unverified", "--json")
    assert "warning" in log and expected in log
    provenance = json.loads(summary)["model"]["provenance"]
    assert provenance["official"]["name"] == name and provenance["official"]["verified"] is False
    assert json.loads(molrt("inspect", output, "--json")[0])["provenance"] == provenance


def test_bytes_that_are_no_archive_are_said_to_be_a_bad_download(tmp_path):
    file = tmp_path / NO_H
    file.write_bytes(b"<!DOCTYPE html>")
    log = molrt("convert", file, "-o", tmp_path / "x", code=3)[1]
    assert "found 15 bytes" in log and "web page" in log
    log = molrt("inspect", file, code=3)[1]
    assert "found 15 bytes" in log and "web page" in log


def test_a_damaged_download_of_the_right_size_is_told_by_its_hash(tmp_path):
    file = tmp_path / NO_H
    with open(file, "wb") as f:
        f.truncate(190540187)  # sparse
    log = molrt("convert", file, "-o", tmp_path / "x", code=3)[1]
    assert "expected sha256 da27196a" in log and "damaged" in log


def test_unverified_has_an_effect_or_is_an_error(tmp_path):
    log = molrt("convert", LINEAR, "-o", tmp_path / "x", "--unverified", code=2)[1]
    assert "--unverified" in log and LINEAR in log


def test_other_weights_are_converted_as_ever(tmp_path):
    summary = json.loads(molrt("convert", LINEAR, "-o", tmp_path / "x", "--json")[0])
    assert summary["verification"]["official"] is None
    directory = DATA / "tools_0_1_6_standard"
    assert json.loads(molrt("convert", directory, "-o", tmp_path / "y", "--json")[0])["verification"] is None


@pytest.mark.parametrize("command", ["predict", "embed", "finetune", "inspect"])
def test_every_command_warns_of_a_name_that_cannot_be(pretending, table, labelled, tmp_path, command):
    file = pretending(ALL_H, POOLER)
    molecules = table("smiles\nCCO\n")
    arguments = {"predict": ["--model", file, molecules], "inspect": [file],
                 "embed": ["--model", file, molecules, "-o", tmp_path / "r.npy"],
                 "finetune": ["-w", file, labelled, "-t", "y", "-o", tmp_path / "m", "--epochs", "1"]}
    log = molrt(command, *arguments[command])[1]
    assert "warning" in log and "expected 190540187 bytes" in log


def test_another_architecture_under_a_known_name_is_told(pretending, table):
    log = molrt("predict", "--model", pretending(CRYSTALS), table("smiles\nCCO\n"))[1]
    assert "a linear pair kernel and 94 symbols" in log


def test_options_against_the_file_are_warned_of_and_win(pretending, table, tmp_path):
    molecules, raw, own = table("smiles\nCCO\n"), pretending(NO_H), tmp_path / "own.molrt"
    molrt("convert", raw, "-o", own, "--unverified")
    for file in raw, own, DATA / "tools_0_1_6_standard":
        said = json.loads(molrt("inspect", file, "--json")[0])
        other = {"all": "none", "none": "all"}[said["hydrogens"]]
        layout = {"file_order": "specials-first", "specials_first": "file-order"}[said["layout"]]
        plain, log = molrt("predict", "--model", file, molecules)
        assert "the option hydrogens" not in log and "the option layout" not in log
        given, log = molrt("predict", "--model", file, molecules, "--hydrogens", other)
        assert "warning" in log and f"the option hydrogens says {'no' if other == 'none' else 'all'}" in log
        assert rows(given)[1][1] != rows(plain)[1][1]
        log = molrt("predict", "--model", file, molecules, "--layout", layout)[1]
        assert f"the option layout says {layout.replace('-', ' ').replace('file', 'special tokens in file')}" in log


def test_options_about_weights_that_nobody_knows_are_taken(table):
    log = molrt("predict", "--model", LINEAR, table("smiles\nCCO\n"), "--hydrogens", "none",
                "--layout", "specials-first")[1]
    assert "warning" not in log


def test_another_dictionary_is_told(swapped, table, tmp_path):
    molecules, own = table("smiles\nCCN\n"), tmp_path / "own.molrt"
    molrt("convert", LINEAR, "-o", own)
    for file in LINEAR, own, DATA / "tools_0_1_6_standard":
        log = molrt("predict", "--model", file, molecules, "--dictionary", swapped)[1]
        assert "warning" in log and 'line 5: "N" instead of "C"' in log
        log = molrt("predict", "--model", file, molecules, "--dictionary", DATA / "oled.dict.txt", code=3)[1]
        assert "oled.dict.txt: the dictionary has 94 symbols" in log and f"of {file} has 31" in log.replace(
            f"{file}/model_0.pth", str(file))
    molrt("predict", "--model", OLED, molecules, "--dictionary", DATA / "molecule.dict.txt", code=3)


def test_hydrogens_of_a_structure_are_flagged(pretending, tmp_path):
    water = tmp_path / "water.sdf"
    water.write_text("""water
  x          3D

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.1173 O   0  0
    0.0000    0.7572   -0.4692 H   0  0
    0.0000   -0.7572   -0.4692 H   0  0
  1  2  1  0
  1  3  1  0
M  END
$$$$
""")
    out = rows(molrt("predict", "--model", pretending(NO_H), water)[0])
    assert out[1][out[0].index("flags")] == "hydrogens_removed"
