"""A full disk, a file-size limit, missing permissions, files that go away: a clear error, no half
file under the output's name, the old file kept."""
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
import time

import pytest

from conftest import BIN, LINEAR, molrt, rows

ROWS = 4000
NOBODY = 65534


def run(*arguments, **keywords):
    return subprocess.run([BIN, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=300, **keywords)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A table whose results are larger than any of the limits here."""
    path = tmp_path_factory.mktemp("big") / "big.csv"
    path.write_text("smiles,y\n" + "".join(f"{'CC' if i % 3 else 'O'},{i % 7}\n" for i in range(ROWS)))
    return path


def commands(table):
    """Each command that writes a file, without its -o."""
    return {
        "predict": ["predict", "-m", LINEAR, table],
        "embed": ["embed", "-m", LINEAR, table],
        "embed npy": ["embed", "-m", LINEAR, table, "--format", "npy"],
        "embed safetensors": ["embed", "-m", LINEAR, table, "--format", "safetensors"],
        "conformers": ["conformers", table],
        "finetune": ["finetune", "-w", LINEAR, table, "-t", "y", "--epochs", "1"],
        "convert": ["convert", LINEAR],
        "init": ["init", "--layers", "1", "--width", "16", "--ffn", "16", "--heads", "2"],
    }


NAMES = list(commands(""))
NEEDS_A_FILE = {"embed safetensors"}


def check_failure(done, said, out, leftovers):
    """The output is as it was; what a later --resume goes on with may lie beside it."""
    log = done.stderr.decode()
    assert done.returncode == 1, log
    assert said in log and str(out.parent) in log  # of a temporary file the folder
    assert out.read_bytes() == b"old"
    assert leftovers <= {out.name, out.name + ".partial", out.name + ".partial.json", out.name + ".checkpoint"}


def empty(folder):
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()


@pytest.mark.parametrize("name", NAMES)
def test_a_full_device(name, big):
    done = run(*commands(big)[name], "-o", "/dev/full")
    assert done.returncode == 1 and b"/dev/full" in done.stderr
    assert b"No space left" in done.stderr or name in NEEDS_A_FILE  # which cannot seek in a device


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory):
    where = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", where], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("may not mount: " + mounted.stderr.decode().strip())
    yield where
    subprocess.run(["umount", where], check=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_fills_up(name, big, small_disk):
    empty(small_disk)
    out = small_disk / "out"
    out.write_bytes(b"old")
    done = run(*commands(big)[name], "-o", out)
    check_failure(done, "No space left", out, {path.name for path in small_disk.iterdir()})


@pytest.mark.parametrize("name", NAMES)
def test_a_file_size_limit(name, big, tmp_path):
    out = tmp_path / "out"
    out.write_bytes(b"old")
    done = run(*commands(big)[name], "-o", out,
               preexec_fn=limited(resource.RLIMIT_FSIZE, 20000))
    check_failure(done, "File too large", out, {path.name for path in tmp_path.iterdir()})


@pytest.fixture
def shared():
    """A folder that any user may enter; skips where another user cannot run the command."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="molrt-"))
    folder.chmod(0o755)
    if as_nobody("--version").returncode != 0:
        shutil.rmtree(folder)
        pytest.skip(f"another user cannot run {BIN}")
    yield folder
    shutil.rmtree(folder)


def as_nobody(*arguments):
    try:
        return run(*arguments, user=NOBODY, group=NOBODY, extra_groups=[])
    except PermissionError as error:
        return subprocess.CompletedProcess(arguments, 126, b"", str(error).encode())


@pytest.fixture
def readable(shared):
    for name, content in {"in.csv": b"smiles,y\nC,1\nCC,2\nCCC,3\nCO,1\nCN,2\n",
                          "model.pth": pathlib.Path(LINEAR).read_bytes()}.items():
        (shared / name).write_bytes(content)
        (shared / name).chmod(0o644)
    return shared


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_and_a_file_that_must_not_be_written(name, readable):
    words = [readable / "model.pth" if word == LINEAR else word for word in commands(readable / "in.csv")[name]]
    before = sorted(readable.iterdir())
    done = as_nobody(*words, "-o", readable / "out")
    assert done.returncode == 1 and b"Permission denied" in done.stderr
    assert sorted(readable.iterdir()) == before
    folder = readable / "writable"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    out = folder / "out"
    out.write_bytes(b"old")
    out.chmod(0o444)
    done = as_nobody(*words, "-o", out)
    check_failure(done, "Permission denied", out, {path.name for path in folder.iterdir()})


def test_inputs_that_must_not_be_read(readable):
    table, model = readable / "in.csv", readable / "model.pth"
    table.chmod(0)
    done = as_nobody("predict", "-m", model, table)
    assert done.returncode == 1 and b"in.csv" in done.stderr and b"Permission denied" in done.stderr
    table.chmod(0o644)
    model.chmod(0)
    for words in (["predict", "-m", model, table], ["inspect", model], ["convert", model, "-o", "/dev/null"]):
        done = as_nobody(*words)
        assert done.returncode == 1 and b"model.pth" in done.stderr and b"Permission denied" in done.stderr


def wait_until_it_computes(running):
    """Until the model has been loaded and the first rows are worked on, by a second thread."""
    running.stdin.write(b"smiles\n" + b"CO\nCN\n" * 300)
    running.stdin.flush()
    for _ in range(3000):
        if len(os.listdir(f"/proc/{running.pid}/task")) > 1:
            return
        time.sleep(0.02)
    raise AssertionError("no second thread")


@pytest.mark.parametrize("harm", ["truncate", "remove", "overwrite"])
def test_a_model_file_that_goes_away_while_it_is_used(harm, tmp_path):
    table = b"smiles\n" + b"CO\nCN\n" * 300 + b"CCO\n" * 600
    expected = molrt("predict", "-m", LINEAR, "-", "-q", input=table)[0]
    model = tmp_path / "model.pth"
    shutil.copy(LINEAR, model)
    model.chmod(0o644)
    with subprocess.Popen([BIN, "predict", "-m", model, "-", "-q", "--threads", "2"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        wait_until_it_computes(running)
        if harm == "truncate":
            os.truncate(model, 100)
        elif harm == "remove":
            model.unlink()
        else:
            model.write_bytes(b"x" * model.stat().st_size)
        out, log = running.communicate(b"CCO\n" * 600, timeout=120)
        assert running.returncode == 0, log
    assert out.decode() == expected


@pytest.mark.parametrize("size", [0, 30, 1000, 250000, 507000])
def test_a_model_file_that_is_too_short(size, tmp_path):
    model = tmp_path / "model.pth"
    model.write_bytes(pathlib.Path(LINEAR).read_bytes()[:size])
    log = molrt("inspect", model, code=3 if size else 1)[1]
    assert "model.pth" in log


def test_a_table_that_shrinks_while_it_is_read(big, tmp_path):
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    shutil.copy(big, table)
    with subprocess.Popen([BIN, "predict", "-m", LINEAR, table, "-q"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as running:
        head = running.stdout.readline()
        os.truncate(table, 5000)
        rest, log = running.stdout.read(), running.stderr.read()
    assert running.returncode == 1 and b"changed while it was read" in log or running.returncode == 0, log
    lines = rows((head + rest).decode())
    assert len({len(line) for line in lines}) == 1  # no half row


def limited(limit, value):
    return lambda: resource.setrlimit(limit, (value, value))


def test_memory_limits(table, tmp_path):
    """From where the command starts at all up to where it has enough."""
    path, out = table("smiles\n" + "CCO\nc1ccccc1O\nCC(=O)N\n" * 5), tmp_path / "out.csv"
    step, succeeded = 3 << 19, 0
    limit = next(size for size in range(32 << 20, 4 << 30, step) if run(
        "--version", preexec_fn=limited(resource.RLIMIT_AS, size)).returncode == 0)
    while succeeded < 3:
        out.write_bytes(b"old")
        limit += step
        done = run("predict", "-m", LINEAR, path, "-o", out, "-q", "--threads", "2",
                   preexec_fn=limited(resource.RLIMIT_AS, limit))
        assert done.returncode in (0, 1), f"{limit}: {done}"
        if done.returncode == 0:
            assert out.read_bytes().count(b"\n") == 16
            succeeded += b"out_of_memory" not in out.read_bytes()  # a row's own status
        else:
            assert b"memory" in done.stderr and out.read_bytes() == b"old", f"{limit}: {done}"


def test_a_limit_of_processes(readable):
    words = ["predict", "-m", readable / "model.pth", readable / "in.csv", "-q"]
    expected = as_nobody(*words, "--threads", "1")
    assert expected.returncode == 0
    done = run(*words, "--threads", "4", user=NOBODY, group=NOBODY, extra_groups=[],
               preexec_fn=limited(resource.RLIMIT_NPROC, 1))
    assert done.returncode == 0, done
    assert done.stdout == expected.stdout


@pytest.mark.parametrize("name", ["predict", "embed", "conformers"])
def test_a_run_goes_on_when_the_disk_has_room_again(name, big, small_disk, tmp_path):
    empty(small_disk)
    out, whole = small_disk / "out", tmp_path / "whole"
    assert run(*commands(big)[name], "-o", out).returncode == 1
    subprocess.run(["mount", "-o", "remount,size=32m", small_disk], check=True)
    try:
        resumed, clean = run(*commands(big)[name], "-o", out, "--resume"), run(*commands(big)[name], "-o", whole)
        assert (resumed.returncode, clean.returncode) == (0, 0), resumed.stderr
        assert out.read_bytes() == whole.read_bytes()
        assert {path.name for path in small_disk.iterdir()} == {"out"}
    finally:
        empty(small_disk)
        subprocess.run(["mount", "-o", "remount,size=48k", small_disk], check=True)
