"""The models that come with molrt, by their names."""
import json
import pathlib
import shutil
import subprocess

import pytest

from conftest import BIN, LINEAR, molrt

MODELS = pathlib.Path(__file__).parents[2] / "models"


@pytest.mark.parametrize("name", ["molecule", "oled"])
def test_a_name_is_the_shipped_file(name, tmp_path):
    by_name, _ = molrt("inspect", name, "--json", cwd=tmp_path)
    by_path, _ = molrt("inspect", MODELS / f"{name}.molrt", "--json")
    assert json.loads(by_name) == json.loads(by_path)
    molrt("convert", name, "-o", "a.molrt", "-q", cwd=tmp_path)
    molrt("convert", MODELS / f"{name}.molrt", "-o", "b.molrt", "-q", cwd=tmp_path)
    assert (tmp_path / "a.molrt").read_bytes() == (tmp_path / "b.molrt").read_bytes()


def test_a_name_is_enough_to_train(labelled, tmp_path):
    words = [labelled, "--target", "y", "--epochs", "2", "-q", "-o"]
    molrt("finetune", "--weights", "molecule", *words, tmp_path / "a.molrt")
    molrt("finetune", "--weights", MODELS / "molecule.molrt", *words, tmp_path / "b.molrt")
    assert (tmp_path / "a.molrt").read_bytes() == (tmp_path / "b.molrt").read_bytes()


def test_a_file_of_that_name_goes_first(tmp_path):
    (tmp_path / "oled").write_bytes(pathlib.Path(LINEAR).read_bytes())
    text, _ = molrt("inspect", "oled", cwd=tmp_path)
    assert "3 layers" in text


@pytest.mark.parametrize("name, told", [
    ("molecul", "molecul: cannot read: no such file, nor a model that comes with molrt (molecule, oled)"),
    ("./molecule", "./molecule: cannot read: No such file or directory"),
    ("molecule.pt", "molecule.pt: cannot read: No such file or directory")])
def test_other_names(name, told, tmp_path):
    _, log = molrt("inspect", name, code=1, cwd=tmp_path)
    assert told in log


def test_the_program_need_not_know_its_folder(tmp_path):
    done = subprocess.run(["molrt", "inspect", "molecule"], executable=BIN, cwd=tmp_path, capture_output=True,
                          check=True)
    assert b"share/molrt/models/molecule.molrt: molecule, 6 layers" in done.stdout


def test_what_a_name_means_is_no_output(labelled, tmp_path):
    """In an installation of its own, which it would overwrite."""
    build = pathlib.Path(BIN).parents[1]
    for part in ("bin/molrt", *(f"lib/{path.name}" for path in (build / "lib").glob("libmolrt.so*"))):
        (tmp_path / part).parent.mkdir(exist_ok=True)
        shutil.copy(build / part, tmp_path / part)
    shipped = tmp_path / "share/molrt/models/molecule.molrt"
    shipped.parent.mkdir(parents=True)
    shutil.copy(MODELS / "molecule.molrt", shipped)
    words = ["finetune", "--weights", "molecule", labelled, "--target", "y", "-o", shipped]
    done = subprocess.run([tmp_path / "bin/molrt", *words], capture_output=True, check=False)
    assert done.returncode == 2 and b"is what --weights reads" in done.stderr
    assert shipped.read_bytes() == (MODELS / "molecule.molrt").read_bytes()
