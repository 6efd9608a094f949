"""Opening, saving and describing models; errors of files."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import molrt
from conftest import DATA, GOOD


def test_bytes_and_path_are_the_same_model(headed):
    data = (DATA / "molecule_linear.pth").read_bytes()
    for kind in (bytes, bytearray, memoryview):
        assert np.array_equal(molrt.load(kind(data)).predict(GOOD).mean, headed.predict(GOOD).mean)


def test_save_and_load(headed, tmp_path):
    path = tmp_path / "model.molrt"
    headed.save(path)
    again = molrt.load(path)
    assert again.predict(GOOD).mean.tobytes() == headed.predict(GOOD).mean.tobytes()
    assert again.info["hydrogens"] == headed.info["hydrogens"]
    assert again.target_names == headed.target_names
    assert list(tmp_path.iterdir()) == [path]  # no temporary file left


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_and_pickles(again):
    model = molrt.load(DATA / "molecule_linear.pth", hydrogens="none", layout="specials_first",
                       max_atoms=12, threads=1)
    other = again(model)
    assert other.predict(GOOD).mean.tobytes() == model.predict(GOOD).mean.tobytes()
    assert {**other.info, "bytes_read": 0} == {**model.info, "bytes_read": 0}
    assert other.target_names == model.target_names
    assert list(other.embed(["C" * 13]).status) == ["too_large"]


def test_a_spawned_process_predicts(headed):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(headed.predict, (GOOD,))
    assert there.mean.tobytes() == headed.predict(GOOD).mean.tobytes()
    assert list(there.status) == ["etkdg_mmff"] * len(GOOD)


@pytest.mark.parametrize("dtype, bytes_each", [("f32", 4), ("f16", 2), ("bf16", 2)])
def test_dtype(headed, tmp_path, dtype, bytes_each):
    path = tmp_path / "model.molrt"
    headed.save(path, dtype=dtype)
    parameters = headed.info["parameters"]
    assert parameters * bytes_each <= path.stat().st_size < parameters * bytes_each + 65536
    error = np.abs(molrt.load(path).predict(GOOD).mean - headed.predict(GOOD).mean).max()
    assert error == 0 if dtype == "f32" else 0 < error < 0.5


def test_info_and_description(headed):
    info = headed.info
    assert (info["kernel"], info["layers"], info["width"], info["heads"]) == ("gaussian", 3, 64, 8)
    assert (info["hydrogens"], info["layout"], info["head"]) == ("all", "file_order", "linear")
    assert info["outputs"] == len(headed.target_names) == info["folds"] == 1
    assert isinstance(headed.describe(), dict) and headed.describe()
    assert headed.supports_element("Cl") and not headed.supports_element("Xe")


def test_what_the_caller_says_wins():
    model = molrt.load(DATA / "molecule_linear.pth", hydrogens="none", layout="specials_first",
                       max_atoms=12, dictionary=DATA / "molecule.dict.txt")
    assert (model.info["hydrogens"], model.info["layout"]) == ("none", "specials_first")
    assert model.info["max_atoms"] == 12
    assert len(model.embed(["CCO"]).atoms[0]) == 3


def test_what_contradicts_the_file_is_warned_of(headed, tmp_path, caplog):
    headed.save(tmp_path / "model.molrt")
    caplog.clear()
    molrt.load(tmp_path / "model.molrt", hydrogens="all", layout="file_order")
    assert caplog.text == ""
    molrt.load(tmp_path / "model.molrt", hydrogens="none", layout="specials_first")
    assert "the option hydrogens says no hydrogens" in caplog.text
    assert "the option layout says specials first" in caplog.text


def test_official_weights_are_known_and_verified(tmp_path, caplog):
    files = {file["name"]: file for file in molrt.official_weights()}
    assert files["mol_pre_no_h_220816.pt"]["hydrogens"] == "none"
    assert molrt.verify_weights(DATA / "molecule_linear.pth")["official"] is None
    claims = tmp_path / "mol_pre_no_h_220816.pt"
    claims.write_bytes((DATA / "molecule_linear.pth").read_bytes())
    with pytest.raises(molrt.FormatError, match="expected 190540187 bytes, found 507380"):
        molrt.verify_weights(claims)
    assert molrt.load(claims).info["hydrogens"] == "none"
    assert "expected 190540187 bytes" in caplog.text


def test_init_is_seeded():
    sizes = dict(layers=1, width=16, ffn=16, heads=2)
    one, same, other = (molrt.init(seed=seed, **sizes).embed(["CCO"]).cls for seed in (1, 1, 2))
    assert one.tobytes() == same.tobytes() != other.tobytes()
    assert molrt.init("linear", **sizes).info["hydrogens"] == "none"


def test_threads_and_batch_size_do_not_change_bytes(headed):
    expected = headed.predict(GOOD).mean.tobytes()
    for threads in (1, 2, 5):
        assert headed.predict(GOOD, threads=threads).mean.tobytes() == expected
    assert headed.predict(GOOD, batch_size=3).mean.tobytes() == expected
    assert headed.predict(GOOD[::-1]).mean[::-1].tobytes() == expected


def test_assumptions_are_logged(caplog):
    molrt.load(DATA / "molecule_linear.pth")
    assert "hydrogen" in caplog.text


@pytest.mark.parametrize("call, error, status", [
    (lambda p: molrt.load("/nonexistent/weights.pt"), OSError, "io"),
    (lambda p: molrt.load(b"noise, and no checkpoint at all"), molrt.FormatError, "format"),
    (lambda p: molrt.load((DATA / "molecule_linear.pth").read_bytes()[:9999]), ValueError, "format"),
    (lambda p: molrt.load(b""), molrt.FormatError, "format"),
    (lambda p: molrt.init(layers=-1), ValueError, "invalid_argument"),
    (lambda p: molrt.init(width=10, heads=3), molrt.InvalidArgumentError, "invalid_argument"),
    (lambda p: molrt.init(layers=1, width=8, ffn=8, heads=2).predict(["C"]), molrt.Error, "state"),
    (lambda p: molrt.init(layers=1, width=8, ffn=8, heads=2).save("/nonexistent/m.molrt"),
     molrt.FileError, "io"),
])
def test_errors(call, error, status, tmp_path):
    with pytest.raises(error) as caught:
        call(tmp_path)
    assert isinstance(caught.value, molrt.Error)
    assert caught.value.status == status
    assert str(caught.value)


def test_empty_bytes_are_called_empty():
    with pytest.raises(ValueError, match="empty"):
        molrt.load(bytearray())


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seed_out_of_range(seed):
    with pytest.raises(ValueError, match=f"seed={seed}: expected 0 to {2**64 - 1}"):
        molrt.init(seed=seed)


def test_names_are_checked_here():
    with pytest.raises(ValueError, match="'auto', 'all', 'none'"):
        molrt.load(DATA / "molecule_linear.pth", hydrogens="some")
    with pytest.raises(ValueError, match="NUL"):
        molrt.load("a\0b")


def test_files_may_change_once_they_are_read(headed, tmp_path):
    path = tmp_path / "model.molrt"
    headed.save(path)
    model = molrt.load(path)
    path.write_bytes(b"")  # a mapped file would end the process here
    model.save(tmp_path / "again")
    assert molrt.load(tmp_path / "again").predict(GOOD).mean.tobytes() == headed.predict(GOOD).mean.tobytes()


def test_weights_in_use_are_read_again(headed, tmp_path):
    path, other = tmp_path / "model.molrt", tmp_path / "other"
    headed.save(path)
    saved = path.read_bytes()
    model = molrt.load(path)
    expected = model.predict(GOOD).mean.tobytes()
    other.write_bytes(b"another file of this name")
    other.replace(path)
    model.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == saved
    assert model.predict(GOOD).mean.tobytes() == expected
    if "avx512bw" in open("/proc/cpuinfo").read():  # there are other precisions, which pack the plain weights too
        fresh = molrt.load(tmp_path / "again").predict(GOOD, precision="split").mean.tobytes()
        assert model.predict(GOOD, precision="split").mean.tobytes() == fresh != expected


def test_weights_in_use_that_changed_are_an_error(headed, tmp_path):
    path = tmp_path / "model.molrt"
    headed.save(path)
    model = molrt.load(path)
    expected = model.predict(GOOD).mean.tobytes()
    path.write_bytes(b"")
    with pytest.raises(molrt.FileError, match="model.molrt: the file was changed while the model"):
        model.save(tmp_path / "again")
    assert model.predict(GOOD).mean.tobytes() == expected
    assert list(tmp_path.iterdir()) == [path]


def test_shipped_models_have_names():
    assert [molrt.load(name).info["kernel"] for name in ("molecule", "oled")] == ["gaussian", "linear"]
    with pytest.raises(molrt.FileError, match=r"nor a model that comes with molrt \(molecule, oled\)"):
        molrt.load("molecul")
