"""molrt embed and molrt conformers."""
import json
import struct

import numpy
import pytest

from conftest import DATA, LINEAR, OLED, molrt, rows

GOLDEN = {"molecule_linear": LINEAR, "oled_linear": OLED}


def load_safetensors(path):
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    types = {"F32": "<f4", "I64": "<i8"}
    return {name: numpy.frombuffer(raw[8 + size + e["data_offsets"][0]:8 + size + e["data_offsets"][1]],
                                   types[e["dtype"]]).reshape(e["shape"])
            for name, e in header.items() if name != "__metadata__"}


def golden_table(name, write):
    golden = numpy.load(DATA / f"{name}_forward.npz")
    return golden, write("smiles\n" + "\n".join(golden["smiles"]) + "\n")


def close(found, expected):
    return abs(found - expected).max() <= 1e-5 * abs(expected).max()


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_numbers(name, table, tmp_path):
    golden, path = golden_table(name, table)
    arguments = ["embed", "--model", GOLDEN[name], path, "--ladder", "peer", "-q", "-o"]
    molrt(*arguments, tmp_path / "o.npy")
    molrt(*arguments, tmp_path / "o.safetensors", "--atoms")
    molrt(*arguments, tmp_path / "o.csv")
    cls = numpy.load(tmp_path / "o.npy")
    arrays = load_safetensors(tmp_path / "o.safetensors")
    assert close(cls, golden["cls_repr"]) and close(arrays["atoms"], golden["atom_repr"])
    assert (arrays["cls"] == cls).all()
    assert (arrays["atom_offsets"] == golden["offsets"]).all()
    assert (arrays["status"] == 0).all()
    result = rows((tmp_path / "o.csv").read_text())
    assert result[0] == ["smiles", *(f"cls_{i}" for i in range(cls.shape[1])), "status", "flags"]
    assert (numpy.array([r[1:-2] for r in result[1:]], "float32") == cls).all()
    assert [r[-2] for r in result[1:]] == list(golden["status"])


def test_atom_index_map(table, tmp_path):
    path = table("smiles\nOC\nnope\n[H]O[H]\n")
    for weights, expected in ((LINEAR, [[0, 1, -1, -1, -1, -1], [], None]), (OLED, [[0, 1], [], None])):
        molrt("embed", "--model", weights, path, "--atoms", "-o", tmp_path / "o.safetensors", "-q")
        arrays = load_safetensors(tmp_path / "o.safetensors")
        parts = numpy.split(arrays["atom_index"], arrays["atom_offsets"][1:-1])
        for part, index in zip(parts, expected):
            assert index is None or list(part) == index
        assert arrays["atoms"].shape == (arrays["atom_offsets"][-1], arrays["cls"].shape[1])
        assert numpy.isnan(arrays["cls"][1]).all() and arrays["status"][1] < 0


def test_atoms_need_safetensors(table, tmp_path):
    _, log = molrt("embed", "--model", LINEAR, table("smiles\nC\n"), "--atoms", "-o",
                   tmp_path / "o.npy", code=2)
    assert ".safetensors" in log and not (tmp_path / "o.npy").exists()


def test_conformers_are_the_golden_ones(table, tmp_path):
    golden, path = golden_table("molecule_linear", table)
    molrt("conformers", path, "--ladder", "peer", "-o", tmp_path / "o.safetensors", "-q")
    arrays = load_safetensors(tmp_path / "o.safetensors")
    assert (arrays["offsets"] == golden["offsets"]).all()
    assert (arrays["coordinates"] == golden["coordinates"].astype("float32")).all()


def test_conformers_sdf_and_table(table, tmp_path):
    path = table("id,smiles\nfirst,CO\nsecond,nope\nthird,C\n")
    text, log = molrt("conformers", path, "--format", "sdf")
    titles = [record.splitlines()[0] for record in text.split("$$$$\n")[:-1]]
    assert titles == ["1", "3"] and "1 failed" in log
    text, _ = molrt("conformers", path, "-o", tmp_path / "o.sdf", "--name", "id", "-q")
    records = (tmp_path / "o.sdf").read_text().split("$$$$\n")
    assert [r.splitlines()[0] for r in records[:-1]] == ["first", "third"] and records[-1] == ""
    result = rows(molrt("conformers", path, "-q")[0])
    assert result == [["id", "smiles", "atoms", "status", "flags"],
                      ["first", "CO", "6", "etkdg_mmff", ""],
                      ["second", "nope", "0", "invalid_smiles", ""],
                      ["third", "C", "5", "etkdg_mmff", ""]]
    assert molrt("conformers", path, "--max-atoms", "5", "-q")[0].splitlines()[1] == "first,CO,0,too_large,"
