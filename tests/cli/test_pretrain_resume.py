"""molrt pretrain killed and interrupted: it goes on to the same bytes."""
import json
import random
import signal
import subprocess
import time

import pytest

from conftest import BIN, DATA

SETTINGS = {"batch-size": 5, "evaluate-every": 40, "holdout": .2, "lr": 1e-3, "threads": 1}
SIZES = ["--layers", "2", "--width", "32", "--ffn", "32", "--heads", "4"]


def words(out, *flags, inputs=(DATA / "geometries.npz",), **changes):
    settings = {**SETTINGS, **{name.replace("_", "-"): value for name, value in changes.items()}}
    flags = [*flags, *(word for name, value in settings.items() for word in ("--" + name, value))]
    return [str(w) for w in (BIN, "pretrain", *inputs, "-t", "gap", "-o", out, *SIZES, *flags)]


def run(out, *flags, **changes):
    return subprocess.run(words(out, *flags, **changes), capture_output=True, timeout=300)


def start(out, *flags, **changes):
    return subprocess.Popen(words(out, *flags, **changes), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def until(path, process, seconds=120):
    """Waits for the file."""
    for _ in range(int(seconds * 20)):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(.05)
    raise AssertionError(f"{path} does not come")


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """So many that the run outlasts several checkpoints, a second apart, on however fast a machine."""
    directory, steps, taken = tmp_path_factory.mktemp("steps"), 200, 0
    while taken < 4:
        steps, begun = 2 * steps, time.monotonic()
        assert run(directory / "m.molrt", steps=steps).returncode == 0
        taken = time.monotonic() - begun
    return steps


@pytest.fixture(scope="module")
def whole(tmp_path_factory, steps):
    out = tmp_path_factory.mktemp("whole") / "m.molrt"
    done = run(out, steps=steps)
    assert done.returncode == 0, done.stderr
    assert not list(out.parent.glob("*.checkpoint"))
    return out.read_bytes()


def facts(path):
    return json.loads(subprocess.run([BIN, "inspect", path, "--json"], capture_output=True, check=True).stdout)


@pytest.mark.parametrize("threads", [1, 2])
def test_killed_again_and_again(whole, steps, tmp_path, threads):
    out, settings = tmp_path / "m.molrt", {"threads": threads, "steps": steps}
    process = start(out, **settings)
    until(tmp_path / "m.molrt.checkpoint" / "member-0.part.safetensors", process)
    process.kill()
    process.communicate()
    assert not out.exists()
    dice = random.Random(threads)
    for attempt in range(12):
        process = start(out, "--resume", **settings)
        time.sleep(dice.uniform(.05, .3 + .2 * attempt))
        process.kill()
        process.communicate()
        if out.exists():
            break
    if not out.exists():
        done = run(out, "--resume", **settings)
        assert done.returncode == 0, done.stderr
    assert out.read_bytes() == whole
    assert {p.name for p in tmp_path.iterdir()} <= {"m.molrt", "m.molrt.checkpoint"}


def test_threads_do_not_change_the_model(whole, steps, tmp_path):
    assert run(tmp_path / "m", threads=2, steps=steps).returncode == 0
    assert (tmp_path / "m").read_bytes() == whole


def test_ctrl_c_leaves_the_model_so_far_and_resumes(tmp_path):
    out, old = tmp_path / "m.molrt", tmp_path / "old.molrt"
    old.write_bytes(b"old")
    for path, left in ((out, out), (old, tmp_path / "old.molrt.partial")):
        process = start(path, steps=1000000)
        until(path.parent / (path.name + ".checkpoint") / "member-0.part.safetensors", process)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate()
        assert process.returncode == 130, log
        assert b"model so far" in log and b"--resume" in log, log
        assert facts(left)["architecture"]["width"] == 32
    assert old.read_bytes() == b"old"
    process = start(out, "--resume", "-v", steps=1000000)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, log = process.communicate()
    assert process.returncode == 130 and b"starting at the beginning" not in log, log


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The output of a run that was killed in its middle."""
    out = tmp_path_factory.mktemp("stopped") / "m.molrt"
    process = start(out, steps=1000000)
    until(out.parent / "m.molrt.checkpoint" / "member-0.part.safetensors", process)
    process.kill()
    process.communicate()
    return out


@pytest.mark.parametrize("changes, said", [
    ({"lr": 2e-3}, b"lr was 0.001, is now 0.002"),
    ({"steps": 999999}, b"steps was 1000000, is now 999999"),
    ({"inputs": (DATA / "geometries.npz", DATA / "geometries.npz")}, b"molecules"),
])
def test_resume_refuses_another_run(stopped, changes, said):
    done = run(stopped, "--resume", **{"steps": 1000000, **changes})
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


def test_what_is_dropped_or_missing_is_said(stopped, whole, steps, tmp_path):
    done = run(tmp_path / "m", "--resume", steps=steps)
    assert done.returncode == 0 and b"starting at the beginning" in done.stderr
    assert (tmp_path / "m").read_bytes() == whole
    again = run(stopped, steps=steps)  # the last test with it
    assert again.returncode == 0 and b"is dropped" in again.stderr
    assert stopped.read_bytes() == whole
