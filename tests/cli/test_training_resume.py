"""Training runs that are killed or interrupted, and go on to the same bytes."""

import json
import random
import signal
import subprocess
import time

import pytest

from conftest import BIN

ROWS = 24
SETTINGS = {"freeze-prefix": "none", "epochs": 6, "batch-size": 5, "lr": 1e-3, "patience": 3, "ema-beta": .9,
            "folds": 2, "threads": 1}


def run(*words):
    return subprocess.run([BIN, *map(str, words)], capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    weights = folder / "w.molrt"
    made = run("init", "--layers", "2", "--width", "32", "--ffn", "64", "--heads", "4", "-o", weights)
    assert made.returncode == 0, made.stderr
    table = folder / "t.csv"
    table.write_text("smiles,y\n" + "".join(f"{'C' * (1 + i % 7)}{'O' * (i % 3)},{(i * 7) % 5 + i / 10}\n"
                                             for i in range(ROWS)))
    return weights, table


def command(files, out, *flags, **changes):
    weights, table = files
    settings = {**SETTINGS, **{name.replace("_", "-"): value for name, value in changes.items()}}
    words = [word for name, value in settings.items() for word in ("--" + name, value)]
    return ["finetune", "--weights", weights, table, "--target", "y", "-o", out, *words, *flags]


def start(files, out, *flags, **changes):
    return subprocess.Popen([str(w) for w in (BIN, *command(files, out, *flags, **changes))],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def whole(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "m.molrt"
    done = run(*command(files, out))
    assert done.returncode == 0, done.stderr
    assert not list(out.parent.glob("*.checkpoint"))
    return out.read_bytes()


METHODS = {
    "child-f": {"child_mode": "F", "child_stage": "update"},
    "child-d": {"child_mode": "FD", "fisher_after_epochs": 2, "weight_decay": .1},
    "mixout": {"mixout_p": .7, "mixout_mask": "element", "mixout_head": "init", "l2sp_lambda": .1},
    "rdrop": {"rdrop_on": 1, "msd_rates": ".1,.3", "mixout_p": .5, "mixout_replaces_dropout": 0},
    "addrop": {"addrop_q": .5, "addrop_attr": "iga", "addrop_m": 3},
    "joint": {"rdrop_on": 1, "rdrop_unlabeled": "u.csv"},
    "alternate": {"rdrop_on": 1, "rdrop_unlabeled": "u.csv", "rdrop_u_mode": "alternate", "child_mode": "F"},
}


@pytest.mark.parametrize("name", METHODS)
def test_killed_with_every_method(files, tmp_path, name):
    method = {**METHODS[name], "folds": 1, "epochs": 25, "patience": 0}
    if "rdrop_unlabeled" in method:
        method["rdrop_unlabeled"] = tmp_path / "u.csv"
        method["rdrop_unlabeled"].write_text("smiles\nCCCl\nC1CC1\nnonsense\nCCBr\nOCCN\n")
    whole, out = tmp_path / "whole.molrt", tmp_path / "m.molrt"
    done = run(*command(files, whole, **method))
    assert done.returncode == 0, done.stderr
    dice = random.Random(name)
    for _ in range(3):
        process = start(files, out, "--resume", **method)
        time.sleep(dice.uniform(.3, 1.5))
        process.kill()
        process.communicate()
        if out.exists():
            break
    assert out.exists() or run(*command(files, out, "--resume", **method)).returncode == 0
    assert out.read_bytes() == whole.read_bytes()
    plain = tmp_path / "plain.molrt"
    assert run(*command(files, plain, folds=1, epochs=25, patience=0)).returncode == 0
    assert plain.read_bytes() != whole.read_bytes()


def test_killed_again_and_again(files, whole, tmp_path):
    out = tmp_path / "m.molrt"
    dice = random.Random(5)
    for attempt in range(25):
        process = start(files, out, "--resume")
        time.sleep(dice.uniform(.05, .3 + .05 * attempt))
        process.kill()
        process.communicate()
        if out.exists():
            break
    if not out.exists():
        assert run(*command(files, out, "--resume")).returncode == 0
    assert out.read_bytes() == whole
    assert {p.name for p in tmp_path.iterdir()} <= {"m.molrt", "m.molrt.checkpoint"}


def test_threads_do_not_change_the_model(files, whole, tmp_path):
    out = tmp_path / "m.molrt"
    assert run(*command(files, out, threads=2)).returncode == 0
    assert out.read_bytes() == whole


def test_ctrl_c_leaves_the_best_so_far_and_resumes(files, tmp_path):
    longer = {"epochs": 100000, "patience": 0, "folds": 1}
    out, old = tmp_path / "m.molrt", tmp_path / "old.molrt"
    old.write_bytes(b"old")
    for path, left in ((out, out), (old, tmp_path / "old.molrt.partial")):
        process = start(files, path, **longer)
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate()
        assert process.returncode == 130, log
        assert b"best model so far" in log and b"--resume" in log, log
        facts = json.loads(run("inspect", left, "--json").stdout)
        assert facts["training"]["interrupted"] is True
        assert (path.parent / (path.name + ".checkpoint")).is_dir()
    assert old.read_bytes() == b"old"


def test_resume_refuses_another_run(files, tmp_path):
    out = tmp_path / "m.molrt"
    process = start(files, out, epochs=100000, patience=0)
    time.sleep(3)
    process.kill()
    process.communicate()
    assert (tmp_path / "m.molrt.checkpoint" / "run.json").exists()
    done = run(*command(files, out, "--resume", epochs=100000, patience=0, lr=2e-3))
    assert done.returncode == 2, done.stderr
    assert b"lr was 0.001, is now 0.002" in done.stderr
    again = run(*command(files, out))
    assert again.returncode == 0 and b"is dropped" in again.stderr


def test_nothing_to_resume_is_said(files, whole, tmp_path):
    out = tmp_path / "m.molrt"
    done = run(*command(files, out, "--resume"))
    assert done.returncode == 0 and b"starting at the beginning" in done.stderr
    assert out.read_bytes() == whole
