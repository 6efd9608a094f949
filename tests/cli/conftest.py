"""The command under test (MOLRT_BIN), golden weights and small tables."""
import csv
import io
import os
import pathlib
import subprocess

import pytest

BIN = os.environ["MOLRT_BIN"]
os.environ["MOLRT_CONFORMER_CACHE"] = "off"  # but in its own tests
DATA = pathlib.Path(__file__).parent.parent / "golden" / "data"
LINEAR = str(DATA / "molecule_linear.pth")
POOLER = str(DATA / "molecule_pooler.pth")
OLED = str(DATA / "oled_linear.pth")
SMILES = ["CCO", "c1ccccc1O", "CC(=O)N", "CCN", "OCC(O)CO", "CCCC", "C1CCCC1", "CC#N", "CCS", "CO",
          "CCCl", "CC(C)C"]


def molrt(*arguments, code=0, **keywords):
    """Runs the command, checks its exit code, returns (stdout, stderr) as text."""
    done = subprocess.run([BIN, *map(str, arguments)], capture_output=True, timeout=300, **keywords)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode()


def rows(text):
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.fixture
def table(tmp_path):
    """Writes a table's bytes and gives its path."""
    def write(content, name="in.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path
    return write


@pytest.fixture(scope="session")
def labelled(tmp_path_factory):
    """A table with a number for each molecule but one."""
    path = tmp_path_factory.mktemp("data") / "train.csv"
    values = [f"{len(s) + 0.25 * i:g}" for i, s in enumerate(SMILES)]
    values[3] = "NaN"
    path.write_text("name,smiles,y,second y\n" + "".join(
        f"m{i},{s},{v},{'' if i == 0 else i}\n" for i, (s, v) in enumerate(zip(SMILES, values))))
    return path


@pytest.fixture(scope="session")
def model(labelled, tmp_path_factory):
    """A model of two folds with two targets."""
    path = tmp_path_factory.mktemp("model") / "model.molrt"
    molrt("finetune", "--weights", LINEAR, labelled, "--target", "y", "--target", "second y",
          "-o", path, "--folds", "2", "--epochs", "5", "-q")
    return path
