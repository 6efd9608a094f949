"""Progress, interruption, threads and the library's interface as ctypes sees it."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import molrt
from conftest import GOOD
from molrt import _library

ROOT = Path(__file__).resolve().parents[2]


def test_progress_of_a_prediction(headed):
    seen = []
    headed.predict(GOOD, progress=lambda stage, done, total: seen.append((stage, done, total)))
    stages = [stage for stage, _, _ in seen]
    assert stages == sorted(stages) and set(stages) == {"conformers", "network"}
    for stage in set(stages):
        counts = [done for s, done, _ in seen if s == stage]
        assert counts == sorted(counts) and counts[-1] == len(GOOD)


def test_progress_of_training(small, esol):
    seen = []
    molrt.finetune(small, esol.smiles, esol.values, epochs=4,
                   progress=lambda stage, done, total, **details: seen.append((stage, details)))
    epochs = [details for stage, details in seen if stage == "training"]
    assert [e["epoch"] for e in epochs] == [1, 2, 3, 4]
    assert all(e["folds"] == 1 and e["epochs"] == 4 and np.isfinite(e["train_loss"]) for e in epochs)


def test_a_line_on_the_terminal_is_quiet_elsewhere(small, capfd):
    small.embed(GOOD, progress=True)
    assert capfd.readouterr() == ("", "")


def test_what_a_callback_raises_reaches_the_caller(small):
    def fail(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        small.embed(GOOD, progress=fail)
    assert small.embed(GOOD).ok.all()


def test_a_callback_may_call_molrt(small):
    inner = []
    small.embed(GOOD, progress=lambda *_: inner.append(small.embed(["CCO"]).ok.all()))
    assert inner and all(inner)


def molecules_for_minutes():
    return ["C" * n + "O" + "C" * k for n in range(20, 60) for k in range(1, 60)]


@pytest.mark.parametrize("call", [
    lambda smiles: molrt.init(layers=1, width=16, ffn=16, heads=2).embed(smiles),
    lambda smiles: molrt.conformers(smiles),
    lambda smiles: molrt.finetune(molrt.init(layers=1, width=16, ffn=16, heads=2), smiles,
                                  list(range(len(smiles)))),
])
def test_ctrl_c_stops_a_long_call(call):
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.5, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call(molecules_for_minutes())
    assert time.monotonic() - sent[0] < 10
    timer.join()


def test_a_handler_that_does_not_raise_lets_the_call_go_on(small):
    seen = []
    previous = signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        assert small.embed(["C" * n for n in range(10, 20)]).ok.all()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert seen


def test_one_model_in_many_threads(headed):
    expected = headed.predict(GOOD).mean.tobytes()
    results = [None] * 6

    def work(i):
        results[i] = headed.predict(GOOD, threads=1 + i % 2).mean.tobytes()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * len(results)


def test_the_gil_is_released(small):
    ticks = []
    done = threading.Event()

    def tick():
        while not done.wait(0.005):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    started = time.monotonic()
    # One molecule: no progress callback inside it could hand the GIL over.
    molrt.conformers(["C" * 40], threads=1)
    ended = time.monotonic()
    done.set()
    thread.join()
    during = [t for t in ticks if started < t < ended]
    assert ended - started > 0.05, "the molecule is too quick for this test"
    assert len(during) > (ended - started) / 0.05


def test_nothing_is_printed(small, capfd):
    small.embed(["not a molecule", "C1CC", "", "[Zz]"])
    assert capfd.readouterr() == ("", "")


def test_structs_are_the_headers(tmp_path):
    """Sizes and offsets of the ctypes structs, against a C program's."""
    lines, expected = [], []
    for struct in _library.STRUCTS:
        name = "molrt_" + struct._name_
        lines.append(f'printf("%zu\\n", sizeof({name}));')
        expected.append(ctypes.sizeof(struct))
        for field, _ in struct._fields_:
            lines.append(f'printf("%zu\\n", offsetof({name}, {field}));')
            expected.append(getattr(struct, field).offset)
    source = tmp_path / "layout.c"
    source.write_text('#include <molrt.h>\n#include <stdio.h>\nint main(void) {\n' + "\n".join(lines) +
                      "\nreturn 0; }\n")
    program = tmp_path / "layout"
    subprocess.run(["cc", f"-I{ROOT / 'include'}", str(source), "-o", str(program)], check=True)
    printed = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    assert [int(line) for line in printed.split()] == expected


def run_python(code, **environment):
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "bindings" / "python"), **environment}
    return subprocess.run([sys.executable, "-c", code], env=variables, text=True, capture_output=True)


def test_a_missing_library_names_the_places():
    result = run_python("import molrt", MOLRT_LIBRARY="/nonexistent/libmolrt.so")
    assert "ImportError" in result.stderr and "/nonexistent/libmolrt.so" in result.stderr


def test_a_process_may_end_inside_a_call():
    code = ("import molrt, threading\n"
            "threading.Thread(target=molrt.conformers, args=(['C' * n for n in range(3, 90)],), "
            "daemon=True).start()\nimport time\ntime.sleep(.3)")
    result = run_python(code)
    assert result.returncode == 0, result.stderr


def test_a_forked_child_predicts(headed):
    expected = headed.predict(GOOD, threads=2).mean.tobytes()
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a hang ends the child
        same = headed.predict(GOOD).mean.tobytes() == expected
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_version():
    assert molrt.__version__ == "0.1.0"
    assert "RDKit" in molrt.build_info()
