"""Runs that are stopped, killed or out of disk, and go on with the same bytes."""
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time

import numpy
import pytest

from conftest import BIN, DATA, LINEAR, SMILES, molrt, rows

ROWS = 6000


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A table of several windows, each with work for the run, and results without a stop."""
    folder = tmp_path_factory.mktemp("big")
    path = folder / "in.csv"
    path.write_text("i,smiles\n" + "".join(
        f"{i},{'nope' if i % 97 == 0 else SMILES[i % len(SMILES)] + 'C' * (i % 3)}\n" for i in range(ROWS)))
    return path


def commands(path, out):
    return {"predict.csv": ["predict", "-m", LINEAR, path, "-o", out],
            "predict.npy": ["predict", "-m", LINEAR, path, "-o", out],
            "embed.npy": ["embed", "-m", LINEAR, path, "-o", out],
            "embed.tsv": ["embed", "-m", LINEAR, path, "-o", out],
            "conformers.sdf": ["conformers", path, "-o", out]}


def command(kind, path, folder):
    out = folder / ("out." + kind.split(".")[1])
    return [BIN, *map(str, commands(path, out)[kind])], out


def journal(out):
    return out.with_name(out.name + ".partial.json")


def partial(out):
    return out.with_name(out.name + ".partial")


def wait_for_rows(running, out, least=1):
    while running.poll() is None:
        try:
            if json.loads(journal(out).read_text())["rows"] >= least:
                return
        except FileNotFoundError:
            pass
        time.sleep(0.002)


def wait_for_line(running, words):
    return next((line for line in running.stderr if words in line), None)


def stop(words, out, number, least=1):
    with subprocess.Popen(words, stderr=subprocess.PIPE) as running:
        wait_for_rows(running, out, least)
        running.send_signal(number)
        log = running.stderr.read().decode()
    return running.returncode, log


@pytest.mark.parametrize("kind", ["predict.csv", "predict.npy", "embed.npy", "embed.tsv", "conformers.sdf"])
def test_kills_at_random_moments(big, tmp_path, kind):
    words, out = command(kind, big, tmp_path)
    subprocess.run([*words, "-q"], check=True)
    expected = out.read_bytes()
    out.unlink()
    moments = random.Random(kind)
    kills = 0
    for _ in range(5):
        with subprocess.Popen([*words, "--resume"], stderr=subprocess.DEVNULL) as running:
            time.sleep(moments.uniform(0, 0.4))
            running.kill()
        kills += running.returncode == -signal.SIGKILL
    assert kills > 0
    done = subprocess.run([*words, "--resume", "--json"], capture_output=True, check=True)
    assert out.read_bytes() == expected
    assert json.loads(done.stdout)["rows"] == ROWS
    assert [p.name for p in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_a_valid_file_and_resume_goes_on(big, tmp_path, number):
    for kind in "predict.csv", "predict.npy":
        words, out = command(kind, big, tmp_path)
        code, log = stop(words, out, number)
        assert code == 128 + number
        done = json.loads(journal(out).read_text())["rows"]
        assert f"stopped after {done} of {ROWS} rows; {out} holds them; --resume goes on" in log
        if kind == "predict.csv":
            assert [r[0] for r in rows(out.read_text())[1:]] == [str(i) for i in range(done)]
        else:
            assert numpy.load(out).shape == (done, 1)
        log = subprocess.run([*words, "--resume"], stderr=subprocess.PIPE, check=True).stderr.decode()
        assert f"going on after {done} rows" in log and f"{ROWS} rows in" in log
        stopped = out.read_bytes()
        subprocess.run([*words, "-q"], check=True)
        assert out.read_bytes() == stopped
        assert not journal(out).exists() and not partial(out).exists()


def test_a_head_of_rows_that_no_journal_tells_of(big, tmp_path):
    """As after a kill between the two; and then a stop before the first window."""
    out = tmp_path / "o.npy"
    words = [BIN, "predict", "-m", LINEAR, "-", "-o", str(out)]
    with open(big, "rb") as stdin, subprocess.Popen(words, stdin=stdin, stderr=subprocess.DEVNULL) as running:
        wait_for_rows(running, out)
        running.kill()
    done = json.loads(journal(out).read_text())["rows"]
    head = b"(%d, 1)" % (done + 7)
    with open(partial(out), "r+b") as file:
        text = file.read(128)
        start = text.index(b"(")
        file.seek(start)
        file.write(head.ljust(text.index(b")") + 1 - start))
    with subprocess.Popen([*words, "--resume"], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdin.write(b"".join(big.read_bytes().splitlines(True)[:done + 2]))
        running.stdin.flush()
        assert wait_for_line(running, b"going on after")
        running.send_signal(signal.SIGINT)
        assert f"{out} holds them" in running.stderr.read().decode()
    assert running.returncode == 130 and numpy.load(out).shape == (done, 1)



def test_a_stop_does_not_touch_an_older_result(big, tmp_path):
    words, out = command("predict.csv", big, tmp_path)
    out.write_text("precious")
    code, log = stop(words, out, signal.SIGINT)
    assert code == 130 and out.read_text() == "precious"
    assert f"{partial(out)} holds them" in log and "older result" in log
    assert partial(out).read_text().startswith("i,smiles,")
    subprocess.run([*words, "--resume", "-q"], check=True)
    assert len(rows(out.read_text())) == ROWS + 1 and not partial(out).exists()


def test_without_resume_an_old_partial_is_dropped_with_a_warning(big, tmp_path):
    words, out = command("predict.csv", big, tmp_path)
    stop(words, out, signal.SIGKILL)
    held = json.loads(journal(out).read_text())["rows"]
    log = subprocess.run(words, stderr=subprocess.PIPE, check=True).stderr.decode()
    assert f"{partial(out)}: the {held} rows of a stopped run are dropped" in log
    assert len(rows(out.read_text())) == ROWS + 1


def test_without_resume_rows_in_place_are_replaced_with_a_warning(big, tmp_path):
    words, out = command("predict.csv", big, tmp_path)
    stop(words, out, signal.SIGINT)
    held = json.loads(journal(out).read_text())["rows"]
    before = out.read_bytes()
    with subprocess.Popen(words, stderr=subprocess.PIPE) as running:
        log = wait_for_line(running, b"of a stopped run").decode()  # once the first window is done
        running.kill()
    assert running.returncode == -signal.SIGKILL and out.read_bytes() == before
    assert f"{out}: the {held} rows of a stopped run are replaced when this run is done" in log
    out.unlink()
    partial(out).unlink()
    log = subprocess.run(words, stderr=subprocess.PIPE, check=True).stderr.decode()
    assert "of a stopped run" not in log and len(rows(out.read_text())) == ROWS + 1


def test_a_start_that_fails_destroys_nothing(big, tmp_path):
    nowhere = str(tmp_path / "nosuch.pth")
    for kind in "predict.csv", "predict.npy", "embed.tsv", "conformers.sdf":
        words, out = command(kind, big, tmp_path)
        bad = [*words, "--name", "nosuch"] if kind == "conformers.sdf" else [nowhere if w == LINEAR else w for w in words]
        assert subprocess.run(bad, capture_output=True).returncode in (1, 2)
        assert list(tmp_path.iterdir()) == []
        stop(words, out, signal.SIGKILL)
        before = journal(out).read_bytes(), partial(out).read_bytes()
        assert subprocess.run(bad, capture_output=True).returncode in (1, 2)
        assert (journal(out).read_bytes(), partial(out).read_bytes()) == before
        out.write_text("other")
        log = subprocess.run([*words, "--resume"], capture_output=True, check=True).stderr
        assert b"going on after" in log
        out.unlink()


def test_an_empty_run_drops_an_old_partial(big, table, tmp_path):
    for kind in "predict.csv", "predict.npy", "conformers.sdf":
        words, out = command(kind, big, tmp_path)
        stop(words, out, signal.SIGKILL)
        empty = str(table("i,smiles\n", "empty.csv"))
        subprocess.run([empty if w == str(big) else w for w in words], capture_output=True, check=True)
        assert not journal(out).exists() and not partial(out).exists()
        if kind == "predict.npy":
            assert numpy.load(out).shape == (0, 1)
        else:
            assert len(out.read_text().splitlines()) == (kind == "predict.csv")


def test_resume_without_anything_to_resume(table, tmp_path):
    out = tmp_path / "o.csv"
    log = molrt("predict", "-m", LINEAR, table("smiles\nC\n"), "-o", out, "--resume")[1]
    assert "starting from the first row" in log and len(rows(out.read_text())) == 2
    for words in (["-o", "-"], ["-o", "/dev/null", "--format", "csv"]):
        assert "--resume: needs a regular file" in molrt(
            "predict", "-m", LINEAR, table("smiles\nC\n"), "--resume", *words, code=2)[1]
    assert "--resume: needs" in molrt("embed", "-m", LINEAR, table("smiles\nC\n"), "--resume", "-o",
                                      tmp_path / "o.safetensors", code=2)[1]


def test_resume_refuses_another_run(big, tmp_path):
    words, out = command("predict.csv", big, tmp_path)
    stop(words, out, signal.SIGKILL)
    before = journal(out).read_bytes(), partial(out).read_bytes()

    def refused(words, *said):
        done = subprocess.run([*words, "--resume"], stderr=subprocess.PIPE)
        log = done.stderr.decode()
        assert done.returncode == 2 and "--resume" in log
        for word in said:
            assert word in log
        assert (journal(out).read_bytes(), partial(out).read_bytes()) == before

    refused([*words, "--conformer-seed", "43"], "--conformer-seed was 42 and is 43")
    refused([*words, "--crop"], "--crop was not given and is true")
    refused([*words, "--format", "tsv"], "--format was")
    other = tmp_path / "model.pth"
    other.write_bytes(open(LINEAR, "rb").read() + b" ")
    refused([str(other) if w == LINEAR else w for w in words], "--model size was")
    table = tmp_path / "other.csv"
    table.write_text(big.read_text().replace("CCO", "CCN"))
    refused([str(table) if w == str(big) else w for w in words], "input crc32 was")


def test_results_in_the_models_directory(big, tmp_path):
    shutil.copytree(DATA / "tools_0_1_6_standard", tmp_path, dirs_exist_ok=True)
    out = tmp_path / "o.csv"
    words = [BIN, "predict", "-m", str(tmp_path), str(big), "-o", str(out), "--resume"]
    stop(words, out, signal.SIGKILL)
    (tmp_path / "notes.txt").write_text("mine")
    code, log = stop(words, out, signal.SIGINT, json.loads(journal(out).read_text())["rows"] + 1)
    assert code == 130 and "going on after" in log
    with open(tmp_path / "config.yaml", "a") as config:
        config.write("# more\n")
    log = subprocess.run(words, stderr=subprocess.PIPE).stderr.decode()
    assert "--model config.yaml" in log


def test_resume_refuses_bytes_that_changed(big, tmp_path):
    words, out = command("predict.csv", big, tmp_path)
    stop(words, out, signal.SIGKILL)
    content = bytearray(partial(out).read_bytes())
    content[30] ^= 1
    partial(out).write_bytes(content)
    done = subprocess.run([*words, "--resume"], stderr=subprocess.PIPE)
    assert done.returncode == 2 and b"holds them unchanged" in done.stderr
    journal(out).write_text("{")
    done = subprocess.run([*words, "--resume"], stderr=subprocess.PIPE)
    assert done.returncode == 3 and b"is broken" in done.stderr


@pytest.mark.parametrize("state", [None, 7, {}, {"tally": {}, "command": []}, {"tally": {}, "command": [{"tally": 7}]}])
def test_resume_refuses_a_broken_state(big, tmp_path, state):
    words, out = command("predict.csv", big, tmp_path)
    stop(words, out, signal.SIGKILL)
    broken = json.loads(journal(out).read_text())
    whole, broken["state"] = broken["state"], state
    if state == {"tally": {}, "command": []}:
        state["command"] = whole["command"]  # else its own is found to be broken first
    journal(out).write_text(json.dumps(broken))
    done = subprocess.run([*words, "--resume"], stderr=subprocess.PIPE)
    assert done.returncode == 3 and f"{journal(out)}: is broken (".encode() in done.stderr
    assert b"remove it, and the run starts over" in done.stderr
    assert partial(out).stat().st_size == broken["bytes"]


def test_resume_of_a_pipe_checks_its_rows(big, tmp_path):
    out = tmp_path / "o.csv"
    words = [BIN, "predict", "-m", LINEAR, "-", "-o", str(out)]
    with open(big, "rb") as stdin, subprocess.Popen(words, stdin=stdin, stderr=subprocess.DEVNULL) as running:
        wait_for_rows(running, out)
        running.kill()
    content = big.read_bytes()
    done = subprocess.run([*words, "--resume"], input=content.replace(b"1,CCC", b"1,CCN", 1), stderr=subprocess.PIPE)
    assert done.returncode == 2 and b"rows are not those of the run" in done.stderr
    subprocess.run([*words, "--resume", "-q"], input=content, check=True)
    result = out.read_bytes()
    subprocess.run([*words, "-q"], input=content, check=True)
    assert out.read_bytes() == result


def test_one_writer_at_a_time(big, tmp_path):
    words, out = command("predict.csv", big, tmp_path)
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as running:
        wait_for_rows(running, out)
        second = subprocess.run(words, stderr=subprocess.PIPE)
        assert second.returncode == 1 and b"another molrt is writing it" in second.stderr
        assert str(partial(out)).encode() in second.stderr
    assert running.returncode == 0 and len(rows(out.read_text())) == ROWS + 1


def test_a_full_disk_and_then_resume(big, tmp_path):
    words, out = command("predict.csv", big, tmp_path)
    for limit in 40000, 120000, 1000:  # the last one: not even the journal fits
        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        done = subprocess.run([*words, "--resume"], stderr=subprocess.PIPE, preexec_fn=full)
        assert done.returncode == 1 and b"File too large" in done.stderr and b"--resume goes on" in done.stderr
    subprocess.run([*words, "--resume", "-q"], check=True)
    resumed = out.read_bytes()
    subprocess.run([*words, "-q"], check=True)
    assert out.read_bytes() == resumed


def test_out_of_memory_keeps_the_rows(tmp_path):
    out = tmp_path / "o.csv"
    words = [BIN, "predict", "-m", LINEAR, "-", "-o", str(out), "--threads", "1"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdin.write(b"smiles\n" + 64 * b"CCO\n")  # the first window
        running.stdin.flush()
        wait_for_rows(running, out)
        time.sleep(0.2)  # it reads again
        pages = int(open(f"/proc/{running.pid}/statm").read().split()[0])
        most = pages * resource.getpagesize() + (4 << 20)
        resource.prlimit(running.pid, resource.RLIMIT_AS, (most, most))
        with contextlib.suppress(BrokenPipeError):
            running.stdin.write(b"C" * (1 << 25))
            running.stdin.flush()
        log = running.stderr.read().decode()
        with contextlib.suppress(BrokenPipeError):
            running.stdin.close()
    assert running.returncode == 1 and "out of memory" in log
    assert f"{partial(out)} keeps the 64 rows that were finished; --resume goes on" in log


def test_scores_are_those_of_all_rows(model, tmp_path):
    path, out = tmp_path / "in.csv", tmp_path / "o.csv"
    path.write_text("smiles,y\n" + "".join(f"{SMILES[i % 12]}{'C' * (i % 5)},{i % 7}\n" for i in range(ROWS)))
    words = [BIN, "predict", "-m", str(model), str(path), "-o", str(out), "--json"]
    whole = json.loads(subprocess.run([*words, "-q"], capture_output=True, check=True).stdout)
    out.unlink()
    assert stop(words, out, signal.SIGKILL, least=100)[0] == -signal.SIGKILL
    resumed = json.loads(subprocess.run([*words, "-q", "--resume"], capture_output=True, check=True).stdout)
    for summary in whole, resumed:
        del summary["seconds"]
    assert resumed == whole
