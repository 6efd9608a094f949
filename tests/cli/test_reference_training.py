"""Networks and heads trained as PyTorch trains them (tests/golden/reference_training.py): float64
there, float32 here."""
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
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
        sys.modules.pop("torch")
        if saved:
            sys.modules["torch"] = saved
    return module


REFERENCE = load_reference()


class Trained:
    """What molrt makes of a run."""

    def __init__(self, run, folder):
        flags = REFERENCE.flags_of(run["flags"])
        table = REFERENCE.table_file(flags, folder)
        base = REFERENCE.base_of(run, molrt, folder)
        molrt(*REFERENCE.finetune_words(run, table, base, folder / "final.molrt"))
        self.final, metadata = REFERENCE.read_safetensors(folder / "final.molrt")
        self.history = json.loads(metadata["training"])["folds"][0]["history"]
        molrt("predict", "-m", folder / "final.molrt", table, "-o", folder / "predictions.npy", "-q",
              "--predict", "det", "--conformers", flags.get("conformers", 1))
        self.predictions = np.load(folder / "predictions.npy")
        self.changes = self.changes_since(run, base, flags)

    def changes_since(self, run, base, flags):
        outputs = self.final["classification_head.out_proj.weight"].shape[0]
        reading = "dense" if flags.get("head", "pooled") == "pooled" else "out_proj"
        inputs = self.final[f"classification_head.{reading}.weight"].shape[1]
        width = self.final["embed_tokens.weight"].shape[1]
        start, _, _ = REFERENCE.first_weights(run, base, flags, inputs - width, outputs)
        return {k: self.final[k].astype(np.float64) - v for k, v in start.items()}


def close(found, expected, tolerance):
    return np.linalg.norm(found - expected) <= tolerance * np.linalg.norm(expected) + 1e-12


def has_gradient(name, values):
    """Softmax ignores shifts: the last pair bias and the keys' bias have none but rounding."""
    if name == "gbf_proj.linear2.bias":
        return values[:0]
    third = len(values) // 3
    keys = name.endswith("in_proj.bias")
    return np.concatenate([values[:third], values[2 * third:]]) if keys else values


def has_norm(name):
    """Whether its change's norm is more than rounding's."""
    return name != "gbf_proj.linear2.bias" and not name.endswith("in_proj.bias")


def skip_without_numbers(name):
    if f"{name}/train_loss" not in GOLDEN.files:
        pytest.skip(f"no numbers yet: reference_training.py MOLRT '{name}'")


def skip_other_rdkit(run):
    given = "--conformers" not in run["flags"] and "--inputs" not in run["flags"]
    if not given and f"RDKit {REFERENCE.RDKIT}" not in molrt("--version")[0]:
        pytest.skip(f"conformers and descriptors are RDKit {REFERENCE.RDKIT}'s")


@pytest.mark.parametrize("name", REFERENCE.RUNS)
def test_trains_as_pytorch_does(name, tmp_path):
    run = REFERENCE.RUNS[name]
    skip_without_numbers(name)
    skip_other_rdkit(run)
    golden = {k[len(name) + 1:]: GOLDEN[k] for k in GOLDEN.files if k.startswith(name + "/")}
    trained = Trained(run, tmp_path)
    for curve in ("train_loss", "valid_loss"):
        found = np.array([epoch[curve] for epoch in trained.history])
        assert found == pytest.approx(golden[curve], rel=1e-5), curve
    if "predictions" in golden:
        expected = golden["predictions"]
        tolerance = 2e-3 * expected.std(0) + 1e-6 * np.abs(expected)
        assert (np.abs(trained.predictions - expected) <= tolerance).all()

    frozen = REFERENCE.frozen_prefixes(REFERENCE.flags_of(run["flags"]))
    moved = [k for k, v in trained.changes.items() if k.startswith(frozen or "-") and v.any()]
    assert not moved
    if "norms" not in golden:  # a head that has its inputs' scaling in itself
        return
    norms = dict(zip(sorted(trained.changes), golden["norms"]))
    off = [k for k, v in norms.items()
           if has_norm(k) and not close(np.linalg.norm(trained.changes[k]), v, .01)]
    assert not off
    expected = {k[7:]: v for k, v in golden.items() if k.startswith("change/")}
    off = [k for k, v in expected.items()
           if not close(has_gradient(k, trained.changes[k]), has_gradient(k, v), .01)]
    assert not off and (len(expected) > 20 or name not in REFERENCE.WITH_CHANGES)
