#!/usr/bin/env python3
"""Splits and scaffolds as scikit-learn and RDKit make them -> data/splits.json.

Debian 12: python3-sklearn 1.2.1 (numpy 1.24.2), python3-rdkit 202209.3.
"""
import csv
import json
import pathlib
import random

import numpy as np
from rdkit import Chem, RDLogger
from rdkit.Chem.Scaffolds import MurckoScaffold
from sklearn.model_selection import GroupKFold, StratifiedKFold

DATA = pathlib.Path(__file__).parent / "data"
MORE = ["C[C@H]1CC[C@@H](F)CC1", "[2H]c1ccccc1C", "O=S(=O)(c1ccccc1)C", "Cn1cccc1", "[O-][n+]1ccccc1C",
        "C/C=C1/CCC[C@H]1Cl", "[Na+].O=C([O-])c1ccccc1", "[H][H]", "C1CC1[C@](O)(F)C1CCC1",
        "C[C@@H]1CC[C@H]2CCCC[C@@H]2C1", "[Fe]", "c1ccc2[nH]ccc2c1CC#N", "O=C1CC[C@@H]2CCCC[C@H]12"]


def folds_of(splitter, labels, groups=None):
    folds = np.full(len(labels), -1)
    for fold, (_, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels, groups)):
        folds[held_out] = fold
    return folds.tolist()


def group_case(groups, folds):
    return {"groups": groups, "k": folds, "folds": folds_of(GroupKFold(folds), [0] * len(groups), groups)}


def counts(labels, folds):
    """[fold][class], classes in the order in which they first occur."""
    found = folds_of(StratifiedKFold(folds), labels)
    classes = list(dict.fromkeys(labels))
    return {"labels": labels, "k": folds,
            "counts": [[sum(f == fold and l == c for f, l in zip(found, labels)) for c in classes]
                       for fold in range(folds)]}


def moleculenet(scaffolds, train, valid):
    """DeepChem's rule (ScaffoldSplitter.split of 2.7), written down anew: 0 train, 1 valid, 2 test."""
    rows = {}
    for row, scaffold in enumerate(scaffolds):
        rows.setdefault(scaffold, []).append(row)
    parts, sizes, n = [None] * len(scaffolds), [0, 0], len(scaffolds)
    for members in sorted(rows.values(), key=lambda r: (len(r), r[0]), reverse=True):
        part = 0
        if sizes[0] + len(members) > train * n:
            part = 2 if sum(sizes) + len(members) > (train + valid) * n else 1
        if part < 2:
            sizes[part] += len(members)
        for row in members:
            parts[row] = part
    return parts


def main():
    RDLogger.DisableLog("rdApp.*")
    with open(DATA / "esol.csv", newline="") as file:
        table = list(csv.DictReader(file))
    smiles = [row["smiles"] for row in table]
    chosen = smiles[:200] + MORE
    chiral = [MurckoScaffold.MurckoScaffoldSmiles(smiles=s, includeChirality=True) for s in smiles]
    flat = [MurckoScaffold.MurckoScaffoldSmiles(smiles=s) for s in smiles]
    chance = random.Random(1)
    letters = [chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(100)]
    skewed = [chance.choice("aaaaaaaabbbc") for _ in range(60)]
    expected = {
        "smiles": chosen,
        "chiral": [MurckoScaffold.MurckoScaffoldSmiles(smiles=s, includeChirality=True) for s in chosen],
        "flat": [MurckoScaffold.MurckoScaffoldSmiles(mol=Chem.MolFromSmiles(s)) for s in chosen],
        "group_k_fold": [group_case(chiral[:200], 5), group_case(chiral, 5), group_case(flat, 10),
                         group_case(letters, 3), group_case(skewed, 3), group_case(list("abcd"), 4),
                         group_case(smiles, 7)],
        "stratified": [counts([chance.randrange(2) for _ in range(53)], 5),
                       counts([chance.choice([2, 2, 2, 0, 0, 1]) for _ in range(101)], 4)],
        "moleculenet": [{"groups": flat, "train": a, "valid": b, "parts": moleculenet(flat, a, b)}
                        for a, b in [(.8, .1), (.9, .1), (.5, .25)]],
    }
    (DATA / "splits.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


main()
