"""Help, exit codes, and what a wrong file or a wrong word gets."""
import os
import re
import signal
import subprocess
import time

import pytest

from conftest import BIN, LINEAR, molrt

COMMANDS = ["finetune", "predict", "embed", "conformers", "convert", "inspect", "init"]


def test_help_and_version():
    out, _ = molrt("--help")
    assert all(command in out for command in COMMANDS) and "Exit codes" in out
    assert out.splitlines()[-1].startswith("  molrt predict")
    assert molrt("--version")[0].startswith("molrt 0.")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command):
    out, log = molrt(command, "--help")
    assert f"molrt {command}" in out and log == ""


def test_finetune_lists_the_settings():
    out, _ = molrt("finetune", "--help")
    assert "..." not in out
    for flag in ("--seed", "--batch-size", "--epochs", "--lr", "--pooler-dropout", "--head", "--folds",
                 "--split", "--threads", "--target", "--smiles"):
        assert flag + " " in out
    assert "--head {linear|pooled}" in out
    assert re.search(r"--batch-size N .*\[default \d+ molecules; 1 to \d+\]", out)


@pytest.mark.parametrize("words, said", [
    ([], "subcommand"),
    (["predcit"], "unknown command 'predcit'; did you mean predict?"),
    (["predict", "--modle", "m", "in.csv"], "unknown option --modle; did you mean --model?"),
    (["predict", "--model", LINEAR, "a", "b"], "unexpected argument 'b'"),
    (["predict", "in.csv"], "--model is required"),
    (["predict", "--model", LINEAR, "in.csv", "--threads", "-1"], "--threads: takes a whole number from 0 on"),
    (["predict", "--model", LINEAR, "in.csv", "--threads", "1.5"], "not '1.5'"),
    (["predict", "--model", LINEAR, "in.csv", "--time-limit", "-1"], "--time-limit: takes a number from 0 on"),
    (["finetune", "-w", LINEAR, "in.csv", "-o", "m", "-t", "A", "B"], "give --target once for each column"),
    (["embed", "--model", LINEAR, "in.csv", "--hydrogens", "some"], "--hydrogens"),
    (["embed", "--model", LINEAR, "in.csv", "-o", "x.docx"], "'.docx'"),
    (["embed", "--model", LINEAR, "in.csv", "--format", "safetensors"], "-o"),
    (["inspect", LINEAR, "--threads", "2"], "unknown option --threads"),
])
def test_wrong_command_lines(words, said):
    out, log = molrt(*words, code=2)
    assert said in log and out == ""


@pytest.mark.parametrize("content, code, said", [
    ("", 3, "header"),
    ("a,b\nC,1\n", 2, "--smiles; the columns are 'a', 'b'"),
    ("smiles,SMILES\nC,C\n", 2, "--smiles"),
    ('smiles,"x\nC,1\n', 3, "the header in line 1 has a quote that is not closed"),
    (b"\xff\xfes\0m", 3, "ends in the middle of a character of UTF-16"),
    (b"smiles\nC\0C\n", 3, "zero byte"),
    ("smiles\nCCO\tethanol\n", 3, "line 2 (row 1) has a tab inside"),
    (b"\x1f\x8b\x08\0", 3, "the gzip data ends in the middle: it is truncated (at byte 4"),
])
def test_broken_tables(table, tmp_path, content, code, said):
    out = tmp_path / "out.csv"
    _, log = molrt("predict", "--model", LINEAR, table(content), "-o", out, code=code)
    assert said in log and not out.exists()


def test_missing_files(table, tmp_path):
    path = table("smiles\nC\n")
    assert "nope.csv" in molrt("predict", "--model", LINEAR, tmp_path / "nope.csv", code=1)[1]
    assert "nope.pt" in molrt("predict", "--model", tmp_path / "nope.pt", path, code=1)[1]


def test_broken_weights(table):
    path = table("smiles\nC\n")
    with open(LINEAR, "rb") as file:
        whole = file.read()
    for name, content in {"cut.pth": whole[:len(whole) // 2], "text.pth": b"hello " * 100}.items():
        assert name in molrt("predict", "--model", table(content, name), path, code=3)[1]
        assert name in molrt("inspect", table(content, name), code=3)[1]


@pytest.mark.parametrize("words", [
    ["predict", "--model", LINEAR], ["embed", "--model", LINEAR], ["conformers"],
    ["finetune", "-w", "nope.pt", "-t", "y"],
])
def test_an_output_that_cannot_be_written_is_found_first(words, table):
    _, log = molrt(*words, table("smiles,y\nC,1\n"), "-o", "/no/such/folder/out.csv", code=1)
    assert "/no/such/folder/out.csv" in log and "nope.pt" not in log and "rows in" not in log


def test_a_directory_is_no_file(table, tmp_path):
    path = table("smiles\nC\n")
    assert "a directory" in molrt("predict", "-m", LINEAR, tmp_path, code=1)[1]
    assert "Is a directory" in molrt("predict", "-m", LINEAR, path, "-o", tmp_path, "--format", "csv", code=1)[1]


def test_an_output_that_is_an_input(table, tmp_path):
    path, model = table("smiles\nC\n"), tmp_path / "model.pth"
    model.write_bytes(open(LINEAR, "rb").read())
    (tmp_path / "link").symlink_to(path)
    before = path.read_bytes(), model.read_bytes()
    for out, said in (path, "is what the input reads"), (tmp_path / "link", "is what the input reads"), \
            (model, "is what --model reads"):
        _, log = molrt("predict", "-m", model, path, "-o", out, "--format", "csv", code=2)
        assert str(out) in log and said in log
    with open(path, "rb") as stdin:
        assert "is what the input reads" in molrt("predict", "-m", model, "-", "-o", path, code=2, stdin=stdin)[1]
    assert (path.read_bytes(), model.read_bytes()) == before


def test_an_input_that_is_the_partial_output(table, tmp_path):
    for name in "o.csv.partial", "o.csv.partial.json":
        path = table("smiles\nC\n", name)
        for words in [], ["--resume"]:
            log = molrt("predict", "-m", LINEAR, path, "-o", tmp_path / "o.csv", *words, code=2)[1]
            assert f"{path}: is what the input reads" in log
        assert path.read_text() == "smiles\nC\n"
        path.unlink()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(table):
    path = table("smiles\nC\n")
    for output in "/dev/full", "-":
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BIN, "predict", "--model", LINEAR, path, "-o", output],
                                  stdout=full, stderr=subprocess.PIPE)
        assert done.returncode == 1 and b"No space left" in done.stderr
    molrt("convert", LINEAR, "-o", "/dev/full", code=1)


def test_a_failure_leaves_the_old_output(table, tmp_path):
    out = table("precious", "out.csv")
    content = b"smiles,x\n" + b"C,1\n" * 10 + b"C,\0\n"
    _, log = molrt("predict", "--model", LINEAR, "-", "-o", out, code=3, input=content)
    assert "zero byte" in log and out.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [out]


def test_a_reader_that_leaves(table):
    path = table("i,smiles\n" + "".join(f"{i},C\n" for i in range(20000)))
    with subprocess.Popen([BIN, "predict", "--model", LINEAR, path, "-q"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as running:
        running.stdout.readline()
        running.stdout.close()
        assert running.wait() == 128 + signal.SIGPIPE and running.stderr.read() == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(table, tmp_path, number):
    out = tmp_path / "out.csv"
    with subprocess.Popen([BIN, "predict", "--model", LINEAR, "-", "-o", out], stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE) as running:
        running.stdin.write(b"smiles\nC\nC\nC\n")  # as many lines as tell a table from SDF
        running.stdin.flush()
        for _ in range(1000):
            if list(tmp_path.glob("out*")):  # it has begun, and waits for more
                break
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(running.pid, number)
        assert running.wait(timeout=20) == 128 + number
        assert b"interrupted before the first rows were finished" in running.stderr.read()
    assert not list(tmp_path.iterdir())


def catches(pid, number):
    with open(f"/proc/{pid}/status") as status:
        mask = next(line for line in status if line.startswith("SigCgt:")).split()[1]
    return int(mask, 16) >> (number - 1) & 1


def test_interrupted_init(tmp_path):
    with subprocess.Popen([BIN, "init", "-o", tmp_path / "m"], stderr=subprocess.PIPE) as running:
        while not catches(running.pid, signal.SIGINT):  # then it works for half a second
            time.sleep(0.005)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) == 130
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stream", ["2>/dev/full", "2>&-", "<&- 2>&-"])
def test_messages_that_cannot_be_written(table, tmp_path, stream):
    path, out = table("smiles\nC\nnope\n"), tmp_path / "out.csv"
    for arguments, code in (f"predict -m {LINEAR} {path} -o {out}", 0), ("predict --modle", 2):
        assert subprocess.run(f"{BIN} {arguments} {stream}", shell=True).returncode == code
    assert out.read_text().count("\n") == 3


def test_closed_stdout(table):
    done = subprocess.run(f"{BIN} predict -m {LINEAR} {table('smiles' + chr(10) + 'C')} >&-", shell=True,
                          stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"standard output: cannot be written" in done.stderr


def test_quiet_and_silent_in_a_pipe(table):
    path = table("smiles\nC\nnope\n")
    assert molrt("predict", "--model", LINEAR, path, "-q")[1] == ""
    log = molrt("predict", "--model", LINEAR, path)[1]
    assert "\r" not in log and "--hydrogens)" in log and "1 failed" in log
    molrt("predict", "--model", LINEAR, path, "-q", "-v", code=2)
