"""Fits a head on measured solubilities, saves the model, and predicts molecules with it.

usage: example.py WEIGHTS ESOL.csv MODEL
"""

import csv
import sys

import molrt

weights, table, path = sys.argv[1:]
with open(table, newline="") as file:
    rows = list(csv.DictReader(file))

model = molrt.finetune(weights, smiles=[row["smiles"] for row in rows],
                       targets=[float(row["logp"]) for row in rows], target_names="log S",
                       progress=True)
model.save(path)

molecules = ["CCO", "c1ccccc1", "not a molecule"]
prediction = molrt.load(path).predict(smiles=molecules)
for smiles, mean, status in zip(molecules, prediction.mean, prediction.status):
    print(f"{smiles}: {mean[0]:.2f} ({status})")
