"""The measured sets: which file and columns, in which unit, by which metric."""
import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem, RDLogger

RDLogger.DisableLog("rdApp.*")
HARTREE = 27.211386245988  # eV (CODATA 2018)


@dataclass(frozen=True)
class Target:
    name: str  # in the table
    column: str
    unit: str
    scale: float = 1.0  # from the file's unit to this one


@dataclass(frozen=True)
class SetPlan:
    name: str
    file: str
    smiles: str
    targets: tuple[Target, ...]
    task: str = "regression"  # or binary
    only: str = ""  # a file of the `idx` that count


SETS = {plan.name: plan for plan in (
    SetPlan("esol", "delaney.csv", "smiles", (Target("ESOL", "logp", "log10 mol/L"),)),
    SetPlan("freesolv", "freesolv.csv", "smiles", (Target("FreeSolv", "freesolv", "kcal/mol"),)),
    SetPlan("bace", "bace.csv", "mol", (Target("BACE", "Class", ""),), task="binary"),
    SetPlan("qm9", "qm9_3000_official_all_props.csv", "smiles",
            (Target("HOMO", "homo", "eV", HARTREE), Target("LUMO", "lumo", "eV", HARTREE)),
            only="qm9_reserved_idx.txt"))}


@dataclass(frozen=True)
class MeasuredSet:
    plan: SetPlan
    smiles: list[str]
    canonical: list[str]
    values: np.ndarray  # [molecule, target]
    unreadable: int     # rows that RDKit cannot read; no method gets them
    hash: str           # of the files


def files(plan: SetPlan) -> list[str]:
    return [plan.file] + ([plan.only] if plan.only else [])


def missing(plan: SetPlan, folder: Path) -> list[str]:
    return [name for name in files(plan) if not (folder / name).is_file()]


def table_rows(plan: SetPlan, folder: Path) -> list[dict[str, str]]:
    with open(folder / plan.file, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for column in [plan.smiles, *(t.column for t in plan.targets)] + (["idx"] if plan.only else []):
        if not rows or column not in rows[0]:
            raise SystemExit(f"evaluate: {folder / plan.file}: expected rows with a column '{column}', found "
                             f"{', '.join(rows[0]) if rows else 'no rows'}")
    if not plan.only:
        return rows
    kept = set((folder / plan.only).read_text().split())
    return [row for row in rows if row["idx"] in kept]


def number(plan: SetPlan, row: dict[str, str], target: Target) -> float:
    try:
        return float(row[target.column]) * target.scale
    except ValueError:
        raise SystemExit(f"evaluate: {plan.file}: molecule {row[plan.smiles]}, column '{target.column}': expected a "
                         f"number, found '{row[target.column]}'") from None


def read_set(plan: SetPlan, folder: Path) -> MeasuredSet:
    rows = table_rows(plan, folder)
    molecules = [Chem.MolFromSmiles(row[plan.smiles]) for row in rows]
    used = [(row, molecule) for row, molecule in zip(rows, molecules) if molecule is not None]
    values = [[number(plan, row, target) for target in plan.targets] for row, _ in used]
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in files(plan)))
    return MeasuredSet(plan, [row[plan.smiles] for row, _ in used], [Chem.MolToSmiles(m) for _, m in used],
                       np.array(values), len(rows) - len(used), digest.hexdigest())
