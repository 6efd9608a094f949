"""Who is trained on (80 %), validated on (10 %) and tested on (10 %)."""
from dataclasses import dataclass
from typing import Callable

import numpy as np
from rdkit.Chem.Scaffolds import MurckoScaffold

from .sets import MeasuredSet

PARTS = (("train", .8), ("valid", .1), ("test", .1))
ROUNDING = 1e-6  # of rows: fractions such as .1 are not exact, and a group that just fits belongs in


@dataclass(frozen=True)
class Split:
    train: np.ndarray  # rows
    valid: np.ndarray
    test: np.ndarray

    @property
    def fitted(self) -> np.ndarray:
        return np.sort(np.concatenate([self.train, self.valid]))


def groups_of(keys: list[str]) -> list[list[int]]:
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return list(rows.values())


def random_split(measured: MeasuredSet, seed: int) -> Split:
    """Molecules by chance; rows of one molecule (by canonical SMILES) stay together."""
    groups = groups_of(measured.canonical)
    order = [groups[i] for i in np.random.RandomState(seed).permutation(len(groups))]
    share = len(measured.smiles) * PARTS[2][1]
    dealt: dict[str, list[int]] = {"test": [], "valid": [], "train": []}
    for group in order:
        part = next((p for p in ("test", "valid") if len(dealt[p]) < share - ROUNDING), "train")
        dealt[part] += group
    return Split(**{part: np.sort(rows) for part, rows in dealt.items()})


def scaffold_split(measured: MeasuredSet, seed: int) -> Split:
    """DeepChem's and `molrt finetune --split scaffold_moleculenet`'s: whole Murcko scaffolds without
    chirality, the largest into training; nothing is drawn, so it is the same for every seed."""
    del seed
    scaffolds = [MurckoScaffold.MurckoScaffoldSmiles(smiles, includeChirality=False) for smiles in measured.smiles]
    rows = len(scaffolds) + ROUNDING
    dealt: dict[str, list[int]] = {"train": [], "valid": [], "test": []}
    for group in sorted(groups_of(scaffolds), key=lambda g: (len(g), g[0]), reverse=True):
        if len(dealt["train"]) + len(group) <= PARTS[0][1] * rows:
            dealt["train"] += group
        elif len(dealt["train"]) + len(dealt["valid"]) + len(group) <= (PARTS[0][1] + PARTS[1][1]) * rows:
            dealt["valid"] += group
        else:
            dealt["test"] += group
    return Split(**{part: np.sort(rows) for part, rows in dealt.items()})


SPLITS: dict[str, Callable[[MeasuredSet, int], Split]] = {"random": random_split, "scaffold": scaffold_split}
