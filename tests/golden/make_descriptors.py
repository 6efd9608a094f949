"""Writes data/descriptors.json: what RDKit's Python module Descriptors says of some molecules, for
tests/unit/chem/descriptors_test.cpp. Run by hand (Debian: python3-rdkit)"""
import csv
import json
import re
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import Descriptors

DATA = Path(__file__).parent / "data"
ODD = ["C", "[Na+].[Cl-]", "O=C([O-])c1ccccc1.[Na+]", "CS(=O)(=O)Nc1ccc(Br)cc1", "C[Si](C)(C)Cl", "OB(O)c1ccccc1I",
       "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21", "OP(=O)(O)OCC1OC(n2cnc3c(N)ncnc32)C(O)C1O", "[Se]1C=CC=C1",
       "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1", "O=[N+]([O-])c1ccccc1", "N#Cc1nnn[nH]1", "CC(=O)C=CN=[N+]=[N-]"]
wanted = re.compile("(SlogP_VSA|SMR_VSA|PEOE_VSA|EState_VSA|VSA_EState)[0-9]+$|.*EStateIndex$|fr_")
known = {name: function for name, function in Descriptors.descList if wanted.match(name)}
with open(DATA / "esol.csv", newline="", encoding="utf-8") as stream:
    drawn = [row["smiles"] for row in csv.DictReader(stream)][::40]
molecules = [Chem.CanonSmiles(smiles) for smiles in ODD + drawn]
found = {smiles: {name: round(function(Chem.MolFromSmiles(smiles)), 9) or 0 for name, function in known.items()}
         for smiles in molecules}
table = {smiles: {name: value for name, value in row.items() if value} for smiles, row in found.items()}
with open(DATA / "descriptors.json", "w", encoding="utf-8") as stream:
    json.dump({"names": list(known), "not 0": table}, stream, indent=0)
print(len(known), "descriptors of", len(table), "molecules")
