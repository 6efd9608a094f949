"""Whole networks trained as PyTorch trains them (tests/golden/reference_training.py): float64 there,
float32 here."""
import importlib.util
import json
import pathlib
import sys
import types

import numpy as np
import pytest

from conftest import DATA, molrt

GOLDEN = np.load(DATA / "reference_training.npz")


def load_reference():
    """The generator's constants and readers; they do without torch."""
    path = pathlib.Path(DATA).parent / "reference_training.py"
    spec = importlib.util.spec_from_file_location("reference_training", path)
    module = importlib.util.module_from_spec(spec)
    stand_in = types.ModuleType("torch")
    stand_in.float64 = None
    saved = sys.modules.get("torch")
    sys.modules["torch"] = stand_in
    try:
        spec.loader.exec_module(module)
    finally:
        sys.modules.pop("torch")
        if saved:
            sys.modules["torch"] = saved
    return module


REFERENCE = load_reference()


def finetune(run, output, flags):
    targets = [word for name in run["targets"] for word in ("--target", name)]
    molrt("finetune", REFERENCE.SDF, "--weights", DATA / run["weights"], "-o", output, *targets,
          *REFERENCE.COMMON, *flags)
    return REFERENCE.read_safetensors(output)


def close(found, expected, tolerance):
    return np.linalg.norm(found - expected) <= tolerance * np.linalg.norm(expected) + 1e-12


def has_gradient(name, values):
    """Softmax ignores shifts: the last pair bias and the keys' bias have none but rounding."""
    if name == "gbf_proj.linear2.bias":
        return values[:0]
    third = len(values) // 3
    keys = name.endswith("in_proj.bias")
    return np.concatenate([values[:third], values[2 * third:]]) if keys else values


@pytest.mark.parametrize("name", REFERENCE.RUNS)
def test_trains_as_pytorch_does(name, tmp_path):
    run = REFERENCE.RUNS[name]
    flags = run["flags"].split()
    golden = {k[len(name) + 1:]: GOLDEN[k] for k in GOLDEN.files if k.startswith(name + "/")}
    seed = str(run["settings"].get("seed", 42))
    start, _ = finetune(run, tmp_path / "start.molrt", flags[:2] + REFERENCE.START +
                        ["--freeze-prefix", "none", "--seed", seed])
    heads = {k[6:]: v for k, v in golden.items() if k.startswith("start/")}
    different = [k for k, v in heads.items() if not np.array_equal(start[k], v)]
    assert not different, "new heads begin with other weights: make the golden file anew"

    freeze = [] if "--freeze-prefix" in flags else ["--freeze-prefix", "none"]
    final, metadata = finetune(run, tmp_path / "final.molrt", flags + freeze)
    history = json.loads(metadata["training"])["folds"][0]["history"]
    for curve in ("train_loss", "valid_loss"):
        found = np.array([epoch[curve] for epoch in history])
        assert found == pytest.approx(golden[curve], rel=1e-5), curve

    frozen = run["settings"].get("frozen", ())
    changes = {k: final[k].astype(np.float64) - start[k] for k in start}
    moved = [k for k in changes if k.startswith(frozen or "-") and changes[k].any()]
    assert not moved
    expected = {k[7:]: v for k, v in golden.items() if k.startswith("change/")}
    off = [k for k, v in expected.items()
           if not close(has_gradient(k, changes[k]), has_gradient(k, v), .01)]
    assert not off
    norms = {k[5:]: v for k, v in golden.items() if k.startswith("norm/") and k[5:] not in expected}
    off = [k for k, v in norms.items() if not close(np.linalg.norm(changes[k]), v, .01)]
    assert not off and len(expected) > 20 and norms
