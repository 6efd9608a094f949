"""The file that keeps conformers for later runs: the same bytes whatever happens to it."""
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import BIN, DATA, LINEAR, SMILES, molrt


def environment(**changes):
    return {k: v for k, v in {**os.environ, **changes}.items() if v is not None}


def summary(*arguments, **keywords):
    """The run's `conformer_cache` of --json, and all that it said."""
    out, err = molrt(*arguments, "--json", **keywords)
    return json.loads(out).get("conformer_cache"), err


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A table of real molecules, and what is to come of it."""
    folder = tmp_path_factory.mktemp("molecules")
    table = folder / "t.csv"
    lines = (DATA / "esol.csv").read_text().splitlines()[:61]
    table.write_text("\n".join([lines[0], "not a molecule,1", *lines[1:]]) + "\n")
    expected = folder / "expected.npy"
    molrt("embed", "--weights", LINEAR, table, "-o", expected, "--conformer-cache", "off")
    return table, expected.read_bytes()


def embed(files, cache, out, *flags, **keywords):
    return summary("embed", "--weights", LINEAR, files[0], "-o", out, "--conformer-cache", cache, *flags,
                   **keywords)


def check_integrity(path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_second_run_builds_none(files, tmp_path):
    cache, out = tmp_path / "c.sqlite", tmp_path / "o.npy"
    for found, built in ((0, 60), (60, 0)):
        facts, err = embed(files, cache, out)
        assert facts == {"state": "in_use", "found": found, "built": built}
        assert f"conformers: {found} from the cache, {built} built" in err
        assert out.read_bytes() == files[1]


@pytest.mark.parametrize("flags, format", [(["--conformers", "3", "--flat-conformer"], "safetensors"),
                                           (["--canonical"], "csv"), (["--ladder", "peer"], "sdf")])
def test_conformers_are_the_same_bytes(files, tmp_path, flags, format):
    outs = []
    for i, cache in enumerate(["off", tmp_path / "c", tmp_path / "c"]):
        outs.append(tmp_path / f"{i}.{format}")
        molrt("conformers", files[0], "-o", outs[-1], *flags, "--conformer-cache", cache)
    assert outs[0].read_bytes() == outs[1].read_bytes() == outs[2].read_bytes()


def test_commands_share_it(files, labelled, model, tmp_path):
    cache = ["--conformer-cache", tmp_path / "c"]
    molrt("conformers", labelled, "-o", tmp_path / "o.csv", *cache)
    for words in (["predict", "--model", model, labelled, "-o", tmp_path / "p.csv"],
                  ["probe", "--model", model, labelled, "--target", "y", "--target", "second y"],
                  ["finetune", "--weights", LINEAR, labelled, "--target", "y", "-o", tmp_path / "m.molrt",
                   "--epochs", "2"]):
        facts, _ = summary(*words, *cache)
        assert facts == {"state": "in_use", "found": len(SMILES), "built": 0}, words[0]


def test_where_it_is(files, tmp_path):
    home, caches, named = tmp_path / "home", tmp_path / "caches", tmp_path / "named"
    home.mkdir()
    words = ["conformers", files[0], "-o", tmp_path / "o.csv"]
    none = environment(HOME=str(home), XDG_CACHE_HOME=None, MOLRT_CONFORMER_CACHE=None)
    places = [(home / ".cache/molrt/conformers.sqlite", none),
              (caches / "molrt/conformers.sqlite", {**none, "XDG_CACHE_HOME": str(caches)}),
              (named, {**none, "MOLRT_CONFORMER_CACHE": str(named)})]
    for place, variables in places:
        assert not place.exists()
        molrt(*words, env=variables)
        assert place.exists()
        assert json.loads(molrt("cache", "info", "--json", env=variables)[0])["conformers"] == 60
    assert (home / ".cache/molrt").stat().st_mode & 0o777 == 0o700
    flag = tmp_path / "flag"
    molrt(*words, "--conformer-cache", flag, env=places[2][1])
    assert flag.exists()
    off = {**none, "MOLRT_CONFORMER_CACHE": "off"}
    assert "from the cache" not in molrt(*words, env=off)[1]
    molrt("cache", "info", env=off, code=2)


def test_a_home_that_is_none_is_no_error(files, tmp_path):
    for home in ("/proc/none", "relative", None):
        variables = environment(HOME=home, XDG_CACHE_HOME=None, MOLRT_CONFORMER_CACHE=None)
        _, err = molrt("conformers", files[0], "-o", tmp_path / "o.csv", env=variables)
        assert "warning" not in err


def test_info_and_clear(files, tmp_path):
    cache = tmp_path / "c"
    flag = ["--conformer-cache", cache]
    assert "0 conformers" in molrt("cache", "info", *flag)[0]
    assert not cache.exists()
    embed(files, cache, tmp_path / "o.npy")
    assert "60 conformers" in molrt("cache", "info", *flag)[0]
    assert "0 conformers" in molrt("cache", "clear", *flag)[0]
    assert embed(files, cache, tmp_path / "o.npy")[0]["built"] == 60
    notes = tmp_path / "notes.csv"
    notes.write_text("mine")
    for action in ("info", "clear"):
        assert str(notes) in molrt("cache", action, "--conformer-cache", notes, code=3)[1]
    assert notes.read_text() == "mine"


def garbage(path, whole):
    path.write_bytes(random.Random(1).randbytes(9000))


def truncated(path, whole):
    path.write_bytes(whole[:len(whole) // 2])


def hole(path, whole):
    path.write_bytes(whole[:8192] + bytes(8192) + whole[16384:])


def directory(path, whole):
    path.mkdir()


def foreign(path, whole):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE notes(text)")


def newer(path, whole):
    path.write_bytes(whole)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA user_version = 1000")


def device(path, whole):
    path.symlink_to("/dev/full")


def junk_log(path, whole):
    path.write_bytes(whole)
    path.with_name(path.name + "-wal").write_bytes(random.Random(2).randbytes(50000))


@pytest.mark.parametrize("harm", [garbage, truncated, hole, directory, foreign, newer, device, junk_log])
def test_a_file_of_no_use_fails_nothing(files, tmp_path, harm):
    whole, cache, out = tmp_path / "whole", tmp_path / "c", tmp_path / "o.npy"
    embed(files, whole, out)
    harm(cache, whole.read_bytes())
    before = cache.read_bytes() if harm in (garbage, foreign, newer) else None
    _, err = embed(files, cache, out)
    assert out.read_bytes() == files[1]
    assert err.count("warning: conformer cache") == (0 if harm is junk_log else 1), err
    if before is not None:
        assert cache.read_bytes() == before
    if harm in (truncated, hole, junk_log):  # which are filled anew
        assert embed(files, cache, out)[0]["found"] == 60
        assert out.read_bytes() == files[1]


def test_a_tiny_limit_holds(files, tmp_path):
    cache, out = tmp_path / "c", tmp_path / "o.npy"
    for seed in range(2):
        embed(files, cache, tmp_path / "other.npy", "--conformer-cache-size", "64KB", "--conformers", "8",
              "--conformer-seed", seed)
        assert cache.stat().st_size <= 65536
    embed(files, cache, out, "--conformer-cache-size", "64KB")
    assert out.read_bytes() == files[1]
    molrt("embed", "--weights", LINEAR, files[0], "-o", out, "--conformer-cache-size", "9", code=2)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs root")
def test_a_full_disk_and_a_read_only_one(files, tmp_path):
    disk, out = tmp_path / "disk", tmp_path / "o.npy"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", disk]).returncode:
        pytest.skip("no tmpfs can be mounted")
    try:
        (disk / "ballast").write_bytes(bytes(64 << 10))
        embed(files, disk / "c", tmp_path / "other.npy", "--conformers", "8")
        facts, err = embed(files, disk / "c", out)
        assert out.read_bytes() == files[1]
        (disk / "ballast").unlink()
        (disk / "c").unlink(missing_ok=True)
        embed(files, disk / "c", out)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        facts, err = embed(files, disk / "c", out)
        assert facts == {"state": "read_only", "found": 60, "built": 0}
        assert err.count("warning") == 1
        assert out.read_bytes() == files[1]
    finally:
        subprocess.run(["umount", disk])


def test_writers_at_once_one_of_them_killed(files, tmp_path):
    """Whatever moment the kill comes at, the database is whole and so are all results."""
    cache, rng = tmp_path / "c", random.Random(5)
    for attempt in range(4):
        outs = [tmp_path / f"{attempt}.{i}.npy" for i in range(3)]
        runs = [subprocess.Popen([BIN, "embed", "--weights", LINEAR, str(files[0]), "-o", str(out), "-q",
                                  "--threads", "1", "--conformer-cache", str(cache),
                                  "--conformer-cache-size", "64KB"]) for out in outs]
        time.sleep(rng.uniform(.05, 1.5))
        runs[0].send_signal(signal.SIGKILL)
        assert [run.wait(300) for run in runs[1:]] == [0, 0]
        runs[0].wait()
        assert all(out.read_bytes() == files[1] for out in outs[1:])
        check_integrity(cache)
    embed(files, cache, outs[0])
    assert embed(files, cache, outs[0])[0]["found"] == 60
    assert outs[0].read_bytes() == files[1]
    check_integrity(cache)


def test_resume_takes_what_a_killed_run_had_made(files, tmp_path):
    cache, out = tmp_path / "c", tmp_path / "m.molrt"
    words = ["finetune", "--weights", LINEAR, files[0], "--target", "logp", "--conformers", "8", "--epochs",
             "2", "-o", out, "--threads", "1", "--resume", "--conformer-cache", cache]
    run = subprocess.Popen([BIN, *map(str, words)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and run.poll() is None:
        if cache.exists() and json.loads(molrt("cache", "info", "--json", "--conformer-cache",
                                               cache)[0])["conformers"] > 0:
            break
        time.sleep(.2)
    run.kill()
    run.wait()
    facts, _ = summary(*words)
    assert facts["found"] > 0
    assert facts["found"] + facts["built"] == 60 * 8
    without = tmp_path / "without.molrt"
    molrt(*words[:words.index("-o")], "-o", without, "--conformer-cache", "off")
    assert without.read_bytes() == out.read_bytes()
