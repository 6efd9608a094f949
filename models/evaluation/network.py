"""A network, trained and asked by the molrt command as a user would."""
import csv
import json
import subprocess
from pathlib import Path

import numpy as np

from .metrics import RANKED_BY, scores
from .sets import MeasuredSet
from .splits import Split


class Molrt:
    def __init__(self, binary: Path, conformers: Path, threads: int):
        self.binary = binary
        self.version = self("--version").strip()
        self.shared = ["--conformer-cache", conformers, "--threads", threads, "-q"]

    def __call__(self, *words) -> str:
        done = subprocess.run([self.binary, *map(str, words)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"evaluate: {' '.join(map(str, (self.binary, *words)))}: exit code "
                             f"{done.returncode}\n{done.stderr.strip()}")
        return done.stdout

    def architecture(self, model: Path) -> dict:
        """All that an untrained network has in common with this one."""
        told = json.loads(self("inspect", model, "--json"))
        sizes = {name: told["architecture"][name]
                 for name in ("kernel", "layers", "width", "ffn", "heads", "vocabulary")}
        return sizes | {"hydrogens": told["hydrogens"], "layout": told["layout"]}

    def init(self, like: dict, seed: int, path: Path) -> None:
        arch = {"gaussian": "molecule", "linear": "oled"}[like["kernel"]]
        sizes = [word for name in ("layers", "width", "ffn", "heads") for word in (f"--{name}", like[name])]
        self("init", "-o", path, "--arch", arch, "--seed", seed, *sizes, "--hydrogens", like["hydrogens"],
             "--layout", like["layout"].replace("_", "-"), "-q")
        if (made := self.architecture(path)) != like:
            raise SystemExit(f"evaluate: no untrained network of this architecture: expected {like}, made {made}")

    def finetune(self, weights: Path, table: Path, measured: MeasuredSet, seed: int, recipe: dict,
                 output: Path) -> dict:
        flags = [word for name, value in recipe.items() for word in (f"--{name}", value)]
        targets = [word for t in measured.plan.targets for word in ("--target", t.name)]
        return json.loads(self("finetune", "--weights", weights, table, "--smiles", "smiles", *targets,
                               "--task", measured.plan.task, "--split-column", "part", "--seed", seed,
                               *flags, *self.shared, "--json", "-o", output))

    def predict(self, model: Path, table: Path, output: Path) -> list[dict[str, str]]:
        self("predict", "--model", model, table, *self.shared, "-o", output)
        with open(output, newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))


def write_tables(measured: MeasuredSet, split: Split, folder: Path) -> None:
    """The test rows go into a file of their own, without their values: training never sees them."""
    parts = {row: part for part in ("train", "valid") for row in getattr(split, part)}
    with open(folder / "train.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", *(t.name for t in measured.plan.targets), "part"])
        for row in split.fitted:
            writer.writerow([measured.smiles[row], *map(float, measured.values[row]), parts[row]])
    with open(folder / "test.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["smiles"], *([measured.smiles[row]] for row in split.test)])


def test_scores(measured: MeasuredSet, split: Split, rows: list[dict[str, str]]) -> tuple[dict, int]:
    """And how many rows have no prediction: they count as the training rows' mean."""
    found, unpredicted = {}, 0
    for number, target in enumerate(measured.plan.targets):
        told = [row[f"{target.name}_pred"] for row in rows]
        mean = measured.values[split.train, number].mean()
        values = np.array([float(text) if text else mean for text in told])
        unpredicted = sum(not text for text in told)
        found[target.name] = scores(measured.plan.task, measured.values[split.test, number], values)
    return found, unpredicted


def run_network(molrt: Molrt, weights: Path, recipe: dict, measured: MeasuredSet, split: Split, seed: int,
                folder: Path) -> dict:
    write_tables(measured, split, folder)
    report = molrt.finetune(weights, folder / "train.csv", measured, seed, recipe, folder / "model.molrt")
    metric = RANKED_BY[measured.plan.task]
    valid = {told["name"]: {metric: told[metric]} for told in report["held_out"]}
    rows = molrt.predict(folder / "model.molrt", folder / "test.csv", folder / "predicted.csv")
    test, unpredicted = test_scores(measured, split, rows)
    return {"valid": valid, "test": test, "rows": [len(split.train), len(split.valid), len(split.test)],
            "unpredicted": unpredicted, "unused": report["rows"]["failed"] + report["split"]["left_out"],
            "epochs": [fold["best_epoch"] for fold in report["folds"]]}
