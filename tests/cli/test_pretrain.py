"""molrt pretrain: its inputs, its targets and what stays out, its model and its page."""
import json
import os
import pty
import struct
import subprocess
import zipfile

import numpy as np
import pytest

from conftest import BIN, DATA, SMILES, molrt, rows
from test_report import read_page

SIZES = ["--layers", "1", "--width", "16", "--ffn", "16", "--heads", "2"]
QUICK = ["--steps", "4", "--batch-size", "4", "--evaluate-every", "2", "--threads", "1"]
GEOMETRIES = DATA / "geometries.npz"


def pretrain(*words, code=0, sizes=SIZES):
    return molrt("pretrain", *words, *sizes, *QUICK, code=code)


def told(*words, sizes=SIZES):
    return json.loads(pretrain(*words, "--json", "-q", sizes=sizes)[0])


def arrays(**changes):
    """The arrays of a good archive; None takes one away."""
    with np.load(GEOMETRIES) as file:
        own = {name: file[name] for name in file.files}
    own.update(changes)
    return {name: values for name, values in own.items() if values is not None}


@pytest.fixture
def archive(tmp_path):
    def write(name="a.npz", save=np.savez_compressed, **changes):
        save(tmp_path / name, **arrays(**changes))
        return tmp_path / name
    return write


@pytest.fixture
def smiles(table):
    return table("smiles,y\n" + "".join(f"{s},{i if i % 3 else ''}\n" for i, s in enumerate(SMILES)))


def test_from_a_table(table, tmp_path):
    path = table("smiles\n" + "\n".join(SMILES) + "\nC1CC\n\"\"\n")
    out, log = pretrain(path, "-o", tmp_path / "m", "--json")
    report = json.loads(out)
    (source,) = report["pretraining"]["sources"]
    assert source["used"] == len(SMILES) and source["excluded"] == 0
    assert f"{path}: {len(SMILES)} molecules" in log and "without a usable geometry" in log
    assert report["pretraining"]["steps"] == 4 and [point["step"] for point in report["history"]] == [2, 4]
    assert sum(report["pretraining"]["molecules"].values()) == len(SMILES)
    for name in "loss", "token", "coordinate", "distance", "norm", "pair_norm", "token_accuracy":
        assert np.isfinite(report["history"][-1]["train"][name])
    assert json.loads(molrt("inspect", tmp_path / "m", "--json")[0])["architecture"]["width"] == 16


def test_from_an_sdf_and_without_the_molecules_of_one(smiles, tmp_path):
    sdf = tmp_path / "m.sdf"
    molrt("conformers", smiles, "-o", sdf, "-q")
    (source,) = told(sdf, "-o", tmp_path / "m")["pretraining"]["sources"]
    assert (source["used"], source["unusable"]) == (len(SMILES), 0)
    few = tmp_path / "few.sdf"
    few.write_text("$$$$\n".join(sdf.read_text().split("$$$$\n")[:3]) + "$$$$\n")
    for path in smiles, sdf:
        (source,) = told(path, "-o", tmp_path / "m", "--exclude", few)["pretraining"]["sources"]
        assert (source["used"], source["excluded"]) == (len(SMILES) - 3, 3)


def test_from_an_archive(archive, tmp_path):
    report = told(archive(), "-o", tmp_path / "m")
    (source,) = report["pretraining"]["sources"]
    assert source["used"] == 20 and source["name"] == "a.npz"
    done = subprocess.run(["sha256sum", tmp_path / "a.npz"], capture_output=True, check=True)
    assert source["sha256"] == done.stdout.split()[0].decode()


def test_the_same_molecules_in_other_types_are_the_same_run(archive, tmp_path):
    own = arrays()
    milli = own["xyz_milli"].astype(np.float32) * np.float32(.001)
    kinds = {"milli": {}, "f4": {"xyz_milli": None, "xyz": milli},
             "f8": {"xyz_milli": None, "xyz": milli.astype(np.float64), "natoms": own["natoms"].astype(np.int64),
                    "Z": own["Z"].astype(np.float64)},
             "bytes": {"smiles": own["smiles"].astype("S")}, "plain": {"save": np.savez}}
    curves = []
    for name, changes in kinds.items():
        history = told(archive(f"{name}.npz", **changes), "-o", tmp_path / name)["history"]
        curves.append([point["train"] for point in history])
    assert all(curve == curves[0] for curve in curves)


@pytest.mark.parametrize("length", [209, 328])
def test_long_texts_are_texts(archive, tmp_path, length):
    """The size of their type is once in the place of a number's type."""
    texts = arrays()["smiles"].astype(f"U{length}")
    assert told(archive(smiles=texts), "-o", tmp_path / "m")["pretraining"]["sources"][0]["used"] == 20


def test_without_smiles(archive, table, tmp_path):
    path = archive(smiles=None)
    assert told(path, "-o", tmp_path / "m")["pretraining"]["sources"][0]["used"] == 20
    _, log = pretrain(path, "-o", tmp_path / "m", "--exclude", table("smiles\nCCO\n"), code=2)
    assert f"{path}: it has no array 'smiles'" in log


def test_several_inputs_of_which_one_has_the_target(archive, smiles, tmp_path):
    y = np.where(np.arange(20) % 2, np.nan, np.arange(20.))
    report = told(archive(y=y), smiles, archive("b.npz"), "-t", "y", "-o", tmp_path / "m", "--holdout", "0")
    assert [source["used"] for source in report["pretraining"]["sources"]] == [20, len(SMILES), 20]
    (target,) = report["pretraining"]["targets"]
    values = [*range(0, 20, 2), *(i for i in range(len(SMILES)) if i % 3)]
    assert target["name"] == "y" and target["values"] == len(values)
    assert target["mean"] == pytest.approx(np.mean(values), rel=1e-6)
    assert target["deviation"] == pytest.approx(np.std(values), rel=1e-6)
    assert report["history"][-1]["train"]["supervised"] > 0


@pytest.mark.parametrize("which", ["table", "archive", "both"])
def test_a_target_that_nothing_has(archive, smiles, tmp_path, which):
    inputs = {"table": [smiles], "archive": [archive()], "both": [smiles, archive()]}[which]
    _, log = pretrain(*inputs, "-t", "homo", "-o", tmp_path / "m", code=2)
    assert "--target homo: no input has" in log
    assert not (tmp_path / "m").exists()


def test_excluded_in_all_stereoisomers(archive, table, tmp_path):
    molecules = table("smiles\nC[C@H](N)O\nC[C@@H](N)O\nCC(O)N\nOCC\nCCCC\nCCC\nCO\nCN\n", "in.csv")
    test = table("smiles,v\nC[C@H](O)N,1\nCCO,2\nnonsense,3\n", "test.csv")
    out, log = pretrain(molecules, GEOMETRIES, "--exclude", test, "-o", tmp_path / "m", "--json")
    assert f"{test}: 2 rows of molecules that stay out; 1 unreadable" in log
    assert f"{molecules}: 4 molecules, 4 excluded" in log and "19 molecules, 1 excluded" in log
    assert [source["excluded"] for source in json.loads(out)["pretraining"]["sources"]] == [4, 1]
    _, log = pretrain(molecules, "--exclude", table("smiles\nnonsense\n", "none.csv"), "-o", tmp_path / "m", code=3)
    assert "none.csv: no row names a molecule to exclude" in log


def broken(what):
    own = arrays()
    natoms, z, xyz = own["natoms"].astype(int), own["Z"], own["xyz_milli"]
    return {
        "no natoms": ({"natoms": None}, "array 'natoms' is missing"),
        "no Z": ({"Z": None}, "array 'Z' is missing"),
        "no coordinates": ({"xyz_milli": None}, "array 'xyz' is missing"),
        "flat coordinates": ({"xyz_milli": xyz.ravel()}, "array 'xyz_milli': expected numbers of shape [n, 3]"),
        "transposed": ({"xyz_milli": np.ascontiguousarray(xyz.T)}, "array 'xyz_milli': expected numbers"),
        "Fortran's order": ({"xyz_milli": np.asfortranarray(xyz)}, "array 'xyz_milli': it is in Fortran's order"),
        "big-endian": ({"xyz_milli": xyz.astype(">f4")}, "array 'xyz_milli': its numbers are big-endian"),
        "complex": ({"xyz_milli": xyz.astype(complex)}, "array 'xyz_milli': expected numbers or texts"),
        "too few coordinates": ({"xyz_milli": xyz[:-1]}, f"Z has {len(z)} atoms and the coordinates {len(z) - 1}"),
        "too many atoms": ({"natoms": natoms + 1}, "are left in Z"),
        "too few atoms": ({"natoms": natoms - 1}, "array 'Z': 20 atoms are left"),
        "no atoms": ({"natoms": natoms * 0}, "array 'natoms': molecule 1: expected 1 to 10000, found 0"),
        "half an atom": ({"natoms": natoms + .5}, "array 'natoms': molecule 1: expected 1 to 10000, found 5.5"),
        "NaN atoms": ({"natoms": natoms * np.nan}, "array 'natoms': molecule 1: expected 1 to 10000, found nan"),
        "a huge molecule": ({"natoms": natoms + 10**6}, "array 'natoms': molecule 1: expected 1 to 10000"),
        "no such element": ({"Z": np.full(len(z), 300)}, "array 'Z': molecule 1: expected atomic numbers of 0 to 118, "
                            "found 300"),
        "symbols": ({"Z": np.full(len(z), "C")}, "array 'Z': expected numbers of shape [n], found texts"),
        "SMILES of others": ({"smiles": own["smiles"][1:]}, "array 'smiles' has 19 values for 20 molecules"),
        "SMILES as numbers": ({"smiles": natoms}, "array 'smiles': expected texts"),
        "Python objects": ({"smiles": own["smiles"].astype(object)}, "array 'smiles': expected numbers or texts"),
        "a target of others": ({"gap": own["gap"][1:]}, "array 'gap' has 19 values for 20 molecules"),
        "a target of texts": ({"gap": own["gap"].astype(str)}, "array 'gap': expected numbers"),
        "an infinite target": ({"gap": own["gap"] * np.inf}, "target 'gap': a value is infinite"),
        "beyond float32": ({"gap": own["gap"].astype(float) * 1e300}, "target 'gap': a value is infinite"),
    }[what]


@pytest.mark.parametrize("what", [
    "no natoms", "no Z", "no coordinates", "flat coordinates", "transposed", "Fortran's order", "big-endian", "complex",
    "too few coordinates", "too many atoms", "too few atoms", "no atoms", "half an atom", "NaN atoms", "a huge molecule",
    "no such element", "symbols", "SMILES of others", "SMILES as numbers", "Python objects", "a target of others",
    "a target of texts", "an infinite target", "beyond float32"])
def test_broken_archives(archive, tmp_path, what):
    changes, said = broken(what)
    path = archive(**changes)
    _, log = pretrain(path, "-t", "gap", "-o", tmp_path / "m", code=3)
    assert str(said) in log, log
    assert str(path) in log and not (tmp_path / "m").exists()


def test_damaged_files(archive, table, tmp_path):
    whole = archive(save=np.savez).read_bytes()
    for name, content in {"text": b"smiles\nCCO\n", "empty": b"", "half": whole[:len(whole) // 2],
                          "flipped": whole[:1500] + bytes(200) + whole[1700:]}.items():
        path = table(content, f"{name}.npz")
        _, log = pretrain(path, "-o", tmp_path / "m", code=3)
        assert str(path) in log, log
    assert "flipped.npz: array '" in log


def test_hostile_headers(archive, table, tmp_path):
    for header in b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1, " * 20000 + b")}", b"", b"\xff" * 100:
        path = tmp_path / "h.npz"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("natoms.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
            file.writestr("n" * 3000 + ".npy", b"")
        _, log = pretrain(path, "-o", tmp_path / "m", code=3)
        assert "h.npz: array 'natoms': " in log


def test_molecules_without_a_usable_geometry_are_counted(archive, tmp_path):
    xyz = arrays()["xyz_milli"].astype(np.float32)
    xyz[0, 0] = np.nan
    report = told(archive(xyz_milli=xyz), "-o", tmp_path / "m")
    (source,) = report["pretraining"]["sources"]
    assert (source["used"], source["unusable"]) == (19, 1)
    assert "finite" in source["first_unusable"] or "coordinate" in source["first_unusable"]


def test_it_learns(tmp_path):
    """The held-out loss falls on real molecules."""
    lines = (DATA / "esol.csv").read_text().splitlines()
    path = tmp_path / "some.csv"
    path.write_text("\n".join(lines[:301]) + "\n")
    sizes = ["--layers", "2", "--width", "32", "--ffn", "64", "--heads", "4", "--hydrogens", "none"]
    out, _ = molrt("pretrain", path, "-t", "logp", "-o", tmp_path / "m", "--json", "-q", *sizes, "--steps", "90",
                   "--batch-size", "16", "--lr", "3e-3", "--evaluate-every", "30", "--holdout", ".2", "--threads", "1")
    first, _, last = (point["held_out"] for point in json.loads(out)["history"])
    assert last["loss"] < first["loss"]
    assert last["token"] < first["token"] and last["token_accuracy"] > .5
    assert last["supervised"] < .5  # of a standardised target: 1 / 2 is about the mean's


def test_the_model_is_fine_tuned_and_predicts(labelled, table, tmp_path):
    told(GEOMETRIES, "-t", "gap", "-o", tmp_path / "p")
    molrt("finetune", "-w", tmp_path / "p", labelled, "-t", "y", "-o", tmp_path / "m", "--epochs", "2", "-q")
    out, _ = molrt("predict", "-m", tmp_path / "m", table("smiles\nCCO\n"), "-q")
    assert np.isfinite(float(rows(out)[1][1]))
    _, log = molrt("predict", "-m", tmp_path / "p", table("smiles\nCCO\n"), code=2)
    assert "molrt finetune" in log


@pytest.mark.parametrize("name", ["molecule_pretrained.pt", "oled_pretrained.pt"])
def test_going_on_from_official_checkpoints(name, tmp_path):
    report = told(GEOMETRIES, "-w", DATA / name, "-o", tmp_path / "m", sizes=[])
    before = json.loads(molrt("inspect", DATA / name, "--json")[0])
    after = json.loads(molrt("inspect", tmp_path / "m", "--json")[0])
    assert after["architecture"] == before["architecture"]
    assert after["hydrogens"] == before["hydrogens"]
    assert np.isfinite(report["history"][-1]["train"]["loss"])


def test_going_on_keeps_heads_and_scalings(archive, tmp_path):
    first = told(archive(), "-t", "gap", "-o", tmp_path / "a", "--lr", "1e-3")
    other = archive("b.npz", gap=arrays()["gap"] * 3 + 7)
    again = told(other, "-t", "gap", "-w", tmp_path / "a", "-o", tmp_path / "b", sizes=[])
    before, after = (report["pretraining"]["targets"][0] for report in (first, again))
    assert (after["mean"], after["deviation"]) == (before["mean"], before["deviation"])
    assert again["start"]["pretraining"]["steps"] == 4
    another = told(other, "-w", tmp_path / "a", "-o", tmp_path / "c", sizes=[])  # without the head
    assert not another["pretraining"]["targets"]


def test_bf16_is_half_as_large(tmp_path):
    for dtype in "f32", "bf16":
        told(GEOMETRIES, "-o", tmp_path / dtype, "--dtype", dtype, sizes=[*SIZES[:2], "--width", "64", "--heads", "4"])
    assert (tmp_path / "bf16").stat().st_size < .7 * (tmp_path / "f32").stat().st_size
    told(GEOMETRIES, "-w", tmp_path / "bf16", "-o", tmp_path / "on", sizes=[])


def test_the_page_has_the_curves(tmp_path):
    pretrain(GEOMETRIES, "-t", "gap", "-o", tmp_path / "m", "--report", tmp_path / "p.html", "--holdout", ".2")
    page, pictures = read_page(tmp_path / "p.html")
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert len(pictures) >= 4
    for word in "geometries.npz", "gap", "held out", "batch_size":
        assert word in page.text


def test_reading_says_how_far_it_is(tmp_path):
    """On a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen([BIN, "pretrain", GEOMETRIES, *SIZES, *QUICK, "-o", tmp_path / "m"], stderr=slave)
    os.close(slave)
    said = b""
    while True:
        try:
            part = os.read(master, 1 << 16)
        except OSError:  # closed
            break
        if not part:
            break
        said += part
    os.close(master)
    assert process.wait(timeout=300) == 0
    assert b"reading" in said and b"geometries.npz: 20 molecules" in said


@pytest.mark.parametrize("words, code, said", [
    (["--steps", "0"], 2, "--steps must be between 1"),
    (["--mask-keep", ".6", "--mask-random", ".6"], 2, "more than 1"),
    (["--loss-supervised", "2"], 2, "there are no targets"),
    (["--batch-size", "21"], 3, "--batch-size is 21"),
    (["-t", "gap", "-t", "gap"], 2, "twice"),
    (["--epochs", "3"], 2, "--epochs"),
    (["-w", str(DATA / "molecule_pretrained.pt")], 2, "is of a new network"),
])
def test_refusals(tmp_path, words, code, said):
    base = ["pretrain", GEOMETRIES, "-o", tmp_path / "m", *SIZES]
    _, log = molrt(*base, *words, code=code)
    assert said in log
    assert not list(tmp_path.iterdir())


def test_inputs_are_not_overwritten(archive, smiles, tmp_path):
    path = archive()
    for words, output in ([path], path), ([path, smiles], smiles), ([path, "--exclude", smiles], smiles):
        before = output.read_bytes()
        _, log = pretrain(*words, "-o", output, code=2)
        assert f"{output}: is what" in log and output.read_bytes() == before
    _, log = pretrain(path, "-o", tmp_path / "m", "--report", path, code=2)
    assert f"{path}: is what" in log
