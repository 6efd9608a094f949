#!/usr/bin/env python3
"""Gathers what the shipped models are pre-trained on, from the folder of the open data, into two
archives that `molrt pretrain` reads:

    qm9.npz    QM9's B3LYP geometries without the reserved rows, with SMILES and, where they are
               known, gap, homo, lumo (eV; homo and lumo of 1,000 rows only) and QM8's excitation
               energies E1, E2 (eV; CC2), joined by the molecule
    pool.npz   one RDKit conformer each of a random part of the SMILES pool
    reserved.csv   SMILES of the reserved rows, for --exclude

Usage: prepare.py DATA OUTPUT   (needs python3-numpy and python3-rdkit)
"""
import argparse
import csv
import gzip
import os
import pathlib
import sys

import numpy as np
from rdkit import Chem, RDLogger

EV_PER_HARTREE = 27.211386245988
NAN = float("nan")


def read_table(path):
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else open(path)
    with opened as lines:
        return list(csv.DictReader(lines))


def constitution(smiles):
    """The molecule without stereochemistry, as `molrt pretrain --exclude` tells molecules apart."""
    molecule = Chem.MolFromSmiles(smiles)
    return Chem.MolToSmiles(molecule, isomericSmiles=False) if molecule else None


def excitations(data):
    """{constitution: (E1, E2)} of QM8, eV. Its table has columns twice; the CC2 ones are there once."""
    found = {}
    for row in read_table(data / "qm8.csv.gz"):
        key = constitution(row["smiles"])
        if key:
            found[key] = (EV_PER_HARTREE * float(row["E1-CC2"]), EV_PER_HARTREE * float(row["E2-CC2"]))
    return found


def orbitals(data):
    """{idx: (homo, lumo)}, eV."""
    return {int(row["idx"]): (EV_PER_HARTREE * float(row["homo"]), EV_PER_HARTREE * float(row["lumo"]))
            for row in read_table(data / "qm9_3000_official_all_props.csv")}


def save(path, **arrays):
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, **arrays)
    os.replace(temporary, path)
    print(f"{path}: {len(arrays['natoms'])} molecules", file=sys.stderr)


def prepare_qm9(data, output):
    reserved = {int(line) for line in (data / "qm9_reserved_idx.txt").read_text().split()}
    properties = {int(row["idx"]): row for row in read_table(data / "qm9_props.csv.gz")}
    excited, frontier = excitations(data), orbitals(data)
    archive = np.load(data / "qm9_3d.npz")
    natoms, idx = archive["natoms"].astype(np.int32), archive["idx"]
    outside = {constitution(properties[i]["smiles"]) for i in reserved if i in properties}
    with open(output / "reserved.csv", "w") as table:
        table.write("smiles\n")
        table.writelines(properties[i]["smiles"] + "\n" for i in sorted(reserved) if i in properties)
    smiles = [properties[i]["smiles"] for i in idx]
    keys = [constitution(text) for text in smiles]
    kept = np.array([i not in reserved and key not in outside for i, key in zip(idx, keys)])
    atoms = np.repeat(kept, natoms)
    gap = [EV_PER_HARTREE * float(properties[i]["gap_Ha"] or NAN) for i in idx]
    pairs = [frontier.get(i, (NAN, NAN)) for i in idx]
    energies = [excited.get(key, (NAN, NAN)) for key in keys]
    save(output / "qm9.npz", natoms=natoms[kept], Z=archive["Z"][atoms], xyz=archive["xyz"][atoms],
         smiles=np.array(smiles)[kept], gap=np.array(gap, np.float32)[kept],
         homo=np.array(pairs, np.float32)[kept, 0], lumo=np.array(pairs, np.float32)[kept, 1],
         E1=np.array(energies, np.float32)[kept, 0], E2=np.array(energies, np.float32)[kept, 1])


def prepare_pool(data, output):
    archive = np.load(data / "pool_conformers.npz")
    save(output / "pool.npz", natoms=archive["natoms"], Z=archive["Z"],
         xyz_milli=archive["xyz_milli"], smiles=archive["smiles"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    given = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    given.output.mkdir(parents=True, exist_ok=True)
    prepare_qm9(given.data, given.output)
    prepare_pool(given.data, given.output)


if __name__ == "__main__":
    main()
