#!/usr/bin/python3
"""Are the shipped models better than not having them? One table says it:

    ./dev evaluate DATA              # installs what is missing, builds, and runs this
    /usr/bin/python3 models/evaluate.py DATA [--out DIR] [--sets esol ...] [--models FILE ...] [--write]

DATA is the folder of delaney.csv, freesolv.csv, bace.csv and, for HOMO and LUMO of the reserved rows of
QM9, qm9_3000_official_all_props.csv and qm9_reserved_idx.txt. A missing file is named, its rows are left out.

The protocol
* 80 % of the rows train, 10 % validate, 10 % test, and these are the same rows for every method. The network is
  given the test molecules only after training, in another file and without their values.
* random: another split for each seed; rows of the same molecule stay together. scaffold: DeepChem's split of
  MoleculeNet (Murcko scaffolds without chirality, the largest into training), which draws nothing: as usual
  in the field, the seeds then change the methods alone (initial weights, order, dropout, trees), so that
  its intervals do not tell what other test scaffolds would give.
* The recipes below are fixed, the same for every set, and were not chosen by test rows. Forest and boosting
  fit once more on training and validation rows before the test. A network whose recipe has a patience stops by
  its validation rows; one whose recipe has --refit 1 is trained once more on both.
* Untrained: a network of the same sizes by `molrt init`, another one for each seed.
* HOMO and LUMO are learnt by one network with two outputs, and by a forest each, from SMILES: the conformers
  are those that molrt makes by default, not the DFT geometries, which a user does not have either.
* RMSE (HOMO and LUMO in eV), of BACE the area under the ROC curve; mean over the seeds and 95 % interval by
  Student's t. "Chosen": the method with the best mean on the validation rows. The difference from the
  better of forest and boosting, so chosen, is taken seed by seed.
* A test row without a prediction counts as the training rows' mean; such rows are told below the table.

Finished runs are kept in OUT/runs, one file each; after a kill, or with more seeds, sets or models, the same
command does what is missing. A run is made anew if the table's file, the model, its recipe, the protocol or
molrt's version has changed. OUT/results.json has all runs, OUT/table.md the tables, OUT/*.svg the pictures;
--write puts them into models/README.md (between its markers) and models/pictures.
"""
import argparse
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

# The recipes: flags of `molrt finetune`, and scikit-learn's settings. What is not here is the default.
FINGERPRINT = {"radius": 2, "bits": 2048}
BASELINES = {
    "forest": FINGERPRINT | {"settings": {"n_estimators": 500, "max_features": 0.33}},
    "boosting": FINGERPRINT | {"settings": {}},
}
SHARED = {"mc-calibrate": "none"}  # error bars are not what is measured here
HEAD = SHARED | {"patience": 20, "refit": 1, "seeds": 3}
WHOLE = SHARED | {"freeze-prefix": "none", "precision": "bf16", "epochs": 15}
ALONE, DESCRIPTORS = {"inputs": "cls"}, {"inputs": "cls+rdkit"}
NETWORKS = {
    "frozen": HEAD | ALONE,
    "frozen + descriptors": HEAD | DESCRIPTORS,
    "fine-tuned": WHOLE | ALONE,
    "fine-tuned + descriptors": WHOLE | DESCRIPTORS,
}
RECIPES = {"baselines": BASELINES, "networks": NETWORKS}
KNOWN = {"sets": ["esol", "freesolv", "bace", "qm9"], "splits": ["random", "scaffold"],
         "methods": [*BASELINES, *NETWORKS]}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help="folder of the sets")
    add("--out", type=Path, default=ROOT / "build" / "evaluation", help="folder of the results [build/evaluation]")
    for name, known in KNOWN.items():
        add(f"--{name}", nargs="+", default=known, choices=known, metavar=name[:-1].upper(),
            help=f"some of: {', '.join(known)} [all]")
    add("--seeds", type=int, default=5, help="how many, from 0 on [5]")
    add("--models", nargs="*", type=Path, default=sorted(HERE.glob("*.molrt")), metavar="FILE",
        help="[models/*.molrt]; none: forest and boosting alone")
    add("--threads", type=int, default=0, help="0: every core [0]")
    add("--molrt", type=Path, default=Path(os.environ.get("MOLRT_BIN", ROOT / "build/bin/molrt")), metavar="FILE",
        help="the command [MOLRT_BIN, else build/bin/molrt]")
    add("--by", choices=["test", "valid"], default="test", help="which rows tables and pictures show; valid: for "
        "choosing recipes without a look at the test [test]")
    add("--write", action="store_true", help="put tables and pictures into models/README.md and models/pictures")
    options = parser.parse_args()
    check(parser, options)
    return options


def check(parser, options) -> None:
    if options.seeds < 1 or options.threads < 0:
        parser.error("--seeds is at least 1, --threads at least 0")
    if options.write and options.by != "test":
        parser.error("--write puts the test rows' tables into the README, not those by --by valid")
    stems = [path.stem for path in options.models]
    if again := next((stem for stem in stems if stems.count(stem) > 1), None):
        parser.error(f"--models: two files are called '{again}', which is their name in the table")
    for path in [*options.models, *([options.molrt] if options.models else [])]:
        if not path.is_file():
            parser.error(f"{path}: no such file")


def set_threads(threads: int) -> None:
    """Of scikit-learn's OpenMP, before it is loaded; waiting threads must not spin where cores are shared."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)


def main() -> None:
    options = parse_arguments()
    set_threads(options.threads)
    try:
        from evaluation import job, page
    except ImportError as error:
        raise SystemExit(f"evaluate: {error}: needs Debian's python3-numpy, python3-sklearn, python3-rdkit and "
                         "python3-matplotlib; ./dev evaluate installs them") from error
    if options.write:
        page.between_markers(HERE / "README.md")  # an error now rather than after hours
    evaluation = job.Evaluation(options, RECIPES)
    runs = evaluation.run()
    text = page.write(runs, evaluation.notes(runs), options.by, options.out)
    print(text, end="")
    if options.write:
        page.write_readme(runs, evaluation.notes(runs), HERE / "README.md")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("evaluate: interrupted; the same command goes on") from None
