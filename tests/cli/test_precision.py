"""--precision: what it changes, what it leaves, and where it cannot be had."""
import os

import numpy as np
import pytest

from conftest import LINEAR, SMILES, molrt

BF16 = "avx512_bf16" in open("/proc/cpuinfo").read() or "avx512bw" in open("/proc/cpuinfo").read()
needs_bf16 = pytest.mark.skipif(not BF16, reason="no AVX-512 here")


@pytest.fixture
def molecules(table):
    return table("smiles\n" + "\n".join(SMILES) + "\n")


def representations(molecules, tmp_path, *options):
    out = tmp_path / "cls.npy"
    molrt("embed", "-m", LINEAR, molecules, "-o", out, "-q", *options)
    return np.load(out)


@needs_bf16
def test_each_is_as_far_from_f32_as_it_says(molecules, tmp_path):
    exact = representations(molecules, tmp_path)
    assert (representations(molecules, tmp_path, "--precision", "f32") == exact).all()
    for precision, least, most in (("split", 0, 1e-4), ("bf16", 1e-4, .2)):
        off = representations(molecules, tmp_path, "--precision", precision) - exact
        assert least < np.sqrt((off**2).mean() / exact.var(axis=0).mean()) < most


@needs_bf16
def test_the_bytes_do_not_depend_on_threads_or_batches(molecules, tmp_path):
    first = representations(molecules, tmp_path, "--precision", "bf16", "--threads", 1)
    for options in (["--threads", 7], ["--batch-size", 1], ["--threads", 3, "--batch-size", 5]):
        assert (representations(molecules, tmp_path, "--precision", "bf16", *options) == first).all()


@needs_bf16
def test_a_network_learns_in_bf16_and_says_so(labelled, tmp_path):
    base = ["finetune", "-w", LINEAR, labelled, "-t", "y", "--freeze-prefix", "none", "--epochs", "2",
            "-o", tmp_path / "m.molrt"]
    _, log = molrt(*base, "--precision", "bf16")
    assert "--precision bf16 (default f32)" in log
    _, log = molrt(*base, "--precision", "split", code=2)
    assert "--precision" in log and "frozen encoder" in log


def test_a_lesser_cpu_refuses_it(molecules, tmp_path):
    lesser = {**os.environ, "MOLRT_MAX_CPU_ISA": "AVX2"}
    _, log = molrt("embed", "-m", LINEAR, molecules, "--precision", "bf16", code=3, env=lesser)
    assert "bf16 needs a CPU with AVX-512" in log
    _, log = molrt("embed", "-m", LINEAR, molecules, code=2, env={**os.environ, "MOLRT_MAX_CPU_ISA": "best"})
    assert "MOLRT_MAX_CPU_ISA: expected AVX2, AVX512 or AVX512_BF16, found 'best'" in log
