#!/usr/bin/env python3
"""Makes a shipped model anew: gathers its data (prepare.py) and pre-trains it with `molrt pretrain`.
A run that was killed goes on where it was when the same command is given again.

usage: retrain.py {molecule|oled} DATA [--out DIR] [--molrt PROGRAM] [molrt pretrain's own flags ...]

DATA is the folder of the open data (models/README.md lists its files). Flags of `molrt pretrain`
replace the recipe's: `retrain.py molecule DATA --out /tmp/small --layers 2 --steps 200` makes a small
one. `./dev retrain ...` builds first, and installs what is missing."""
import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

COMMON = {
    "--layers": "6", "--width": "256", "--ffn": "1024", "--heads": "32",
    "--batch-size": "128", "--lr": "6e-4", "--warmup": ".06", "--precision": "bf16",
    "--evaluate-every": "250", "--holdout": ".01", "--dtype": "bf16",
}
RECIPES = {
    "molecule": {**COMMON, "--arch": "molecule", "--hydrogens": "none", "--steps": "5000"},
    "oled": {**COMMON, "--arch": "oled", "--hydrogens": "all", "--steps": "4000"},
}
TARGETS = {"molecule": [], "oled": ["gap", "homo", "lumo", "E1", "E2"]}
EVALUATED = ["delaney.csv", "freesolv.csv", "bace.csv"]  # stay out, as do QM9's reserved rows


def command(given, extra):
    """The recipe with the user's flags in place of its own."""
    work = given.out / "data"
    flags = {name: value for name, value in RECIPES[given.model].items() if name not in extra}
    words = [given.molrt, "pretrain", work / "qm9.npz", work / "pool.npz",
             "-o", given.out / f"{given.model}.molrt", "--report", given.out / f"{given.model}.html",
             "--resume", "--json", "--exclude", work / "reserved.csv"]
    for name in EVALUATED:
        if not (given.data / name).exists():
            sys.exit(f"{given.data / name}: is missing, and its molecules have to stay out")
        words += ["--exclude", given.data / name]
    for target in TARGETS[given.model]:
        words += ["--target", target]
    for name, value in flags.items():
        words += [name, value]
    return [str(word) for word in words] + extra


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][len("usage: "):], add_help=True)
    parser.add_argument("model", choices=RECIPES)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("retrained"))
    parser.add_argument("--molrt", default=str(HERE.parent / "build" / "bin" / "molrt"))
    given, extra = parser.parse_known_args()
    if not (given.out / "data" / "pool.npz").exists():
        subprocess.run([sys.executable, HERE / "prepare.py", given.data, given.out / "data"], check=True)
    words = command(given, extra)
    print(" ".join(words), file=sys.stderr)
    with open(given.out / f"{given.model}.json.new", "wb") as told:  # its curves, for curves.py
        done = subprocess.run(words, stdout=told)
    if done.returncode == 0:
        (given.out / f"{given.model}.json.new").replace(given.out / f"{given.model}.json")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
