"""molrt finetune: which rows are held out, weights and groups."""
import json

import pytest

from conftest import LINEAR, SMILES, molrt

TRAIN = ["--epochs", "2"]
RINGS = ["Cc1ccccc1", "Cc1ccncc1", "C1CCCC1", "C1CCCCC1", "c1ccoc1", "c1ccsc1", "C1CC1", "C1CCC1", "c1cc[nH]c1",
         "C1CCNCC1", "CCO", "CCC"]  # of eleven scaffolds


@pytest.fixture
def finetune(table, tmp_path):
    """Trains on a table of SMILES and columns; gives the report, the split and what was said."""
    def run(*words, columns=None, smiles=SMILES, code=0):
        names = ["smiles", "y", *(columns or {})]
        cells = zip(smiles, range(len(smiles)), *(columns or {}).values())
        path = table("\n".join(",".join(map(str, row)) for row in [names, *cells]) + "\n")
        split = tmp_path / "split.json"
        out, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m.molrt", "--json",
                         "--save-split", split, *TRAIN, *words, code=code)
        if code:
            assert not split.exists() and not (tmp_path / "m.molrt").exists()
            return log
        return json.loads(out), json.loads(split.read_text()), log
    return run


@pytest.mark.parametrize("kind", ["random", "scaffold", "scaffold_moleculenet", "stratified"])
@pytest.mark.parametrize("folds", [1, 3])
def test_every_kind_with_folds_and_a_test(finetune, kind, folds):
    report, split, log = finetune("--split", kind, "--folds", folds, "--test-fraction", ".2", smiles=RINGS)
    assert report["settings"]["split"] == kind
    assert len(split) == len(report["folds"]) == folds
    tests = {tuple(fold["test"]) for fold in split}
    assert len(tests) == 1 and report["split"]["test_rows"] == len(split[0]["test"]) > 0
    for fold, told in zip(split, report["folds"]):
        assert sorted(fold["train"] + fold["val"] + fold["test"]) == list(range(len(RINGS)))
        assert (told["train_rows"], told["held_out_rows"]) == (len(fold["train"]), len(fold["val"]))
    assert report["test"][0]["n"] == report["split"]["test_rows"]
    assert "'y' test (" in log


def test_a_saved_split_comes_again(finetune, tmp_path):
    first, split, _ = finetune("--folds", 3, "--seed", 5, "--test-fraction", ".1")
    (tmp_path / "again.json").write_text(json.dumps(split))
    again, same, _ = finetune("--split-file", tmp_path / "again.json", "--seed", 5)
    assert same == split
    assert again["settings"]["split"] == "file" and again["settings"]["folds"] == 3
    assert again["folds"] == first["folds"] and again["test"] == first["test"]


def test_a_split_column(finetune):
    parts = ["train"] * 7 + ["val", "Valid", "test", "TEST", "train"]
    report, split, _ = finetune("--split-column", "part", columns={"part": parts})
    assert split == [{"train": [0, 1, 2, 3, 4, 5, 6, 11], "val": [7, 8], "test": [9, 10]}]
    assert report["settings"]["split"] == "column" and report["test"][0]["n"] == 2
    report, split, _ = finetune("--split-column", "fold", columns={"fold": [i % 3 for i in range(12)]})
    assert [fold["val"] for fold in split] == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]


def test_groups_stay_whole(finetune):
    groups = "aabbccddeeff"
    _, split, _ = finetune("--group-column", "g", "--folds", 3, columns={"g": groups})
    for fold in split:
        assert not {groups[i] for i in fold["train"]} & {groups[i] for i in fold["val"]}


def test_the_same_molecule_is_on_one_side(finetune):
    smiles = ["CCO", "OCC", "C(C)O", "c1ccccc1", "C1=CC=CC=C1", "CCN", "NCC", "CCCC", "CO", "OC", "CCS"]
    molecules = [0, 0, 0, 1, 1, 2, 2, 3, 4, 4, 5]
    report, split, log = finetune("--folds", 3, smiles=smiles)
    assert (report["split"]["repeated_molecules"], report["split"]["repeated_rows"]) == (4, 9)
    assert "4 molecules are there several times, in 9 rows, which stay together" in log
    for fold in split:
        assert not {molecules[i] for i in fold["train"]} & {molecules[i] for i in fold["val"]}
    parts = ["train"] * 9 + ["valid", "train"]
    report, split, log = finetune("--split-column", "part", smiles=smiles, columns={"part": parts})
    assert report["split"]["left_out"] == 1 and report["folds"][0]["train_rows"] == 9
    assert "warning: 1 row is left out on one side" in log and "row 9" in log


def test_weights_reach_the_training(finetune):
    plain, _, _ = finetune()
    ones, _, _ = finetune("--weight-column", "w", columns={"w": [1] * 12})
    other, _, _ = finetune("--weight-column", "w", columns={"w": [1 + i % 3 for i in range(12)]})
    assert ones["folds"] == plain["folds"]
    assert other["folds"] != plain["folds"]


@pytest.mark.parametrize("words, columns, code, said", [
    (["--split", "group"], {}, 2, "split=group needs groups"),
    (["--split", "column"], {}, 2, "split=column needs parts"),
    (["--split", "file"], {}, 2, "split=file needs split_file"),
    (["--split", "random", "--group-column", "c"], {"c": "a" * 12}, 2, "split=random does not use them"),
    (["--split", "scaffold", "--split-column", "c"], {"c": [0] * 12}, 2, "does not use them"),
    (["--split", "random", "--split-file", "s.json"], {}, 2, "--split-file"),
    (["--split-column", "nope"], {}, 2, "no column 'nope'"),
    (["--split-column", "c"], {"c": ["train"] * 11 + ["trian"]}, 3, "row 12 (line 13), column 'c': 'trian'"),
    (["--split-column", "c"], {"c": [""] + ["train"] * 11}, 3, "row 1 (line 2), column 'c'"),
    (["--split-column", "c"], {"c": [1] * 12}, 2, "no row is in fold 0"),
    (["--split-column", "c", "--folds", "4"], {"c": [0, 1] * 6}, 2, "--folds is 4, but the given split has 2"),
    (["--split-column", "c", "--valid-fraction", ".2"], {"c": [0, 1] * 6}, 2, "--valid-fraction"),
    (["--split-column", "c", "--patience", "2"], {"c": ["train"] * 12}, 3, "nothing out to stop by"),
    (["--group-column", "c", "--folds", "4"], {"c": "abc" * 4}, 3,
     "4 folds need at least 4 different groups with a value, found 3"),
    (["--group-column", "c"], {"c": ["a"] * 11 + [" "]}, 3, "row 12 (line 13), column 'c'"),
    (["--weight-column", "c"], {"c": [1] * 11 + [-1]}, 3, "expected a weight, 0 or more"),
    (["--weight-column", "c"], {"c": [1] * 11 + [""]}, 3, "expected a weight, 0 or more"),
    (["--weight-column", "c"], {"c": [0] * 12}, 2, "all 12 weights are 0"),
    (["--valid-fraction", ".6", "--test-fraction", ".5"], {}, 2, "leave no rows to train on"),
    (["--folds", "12", "--test-fraction", ".1"], {}, 3, "12 folds and a test need at least 13 different molecules"),
])
def test_refusals(finetune, words, columns, code, said):
    assert said in finetune(*words, columns=columns, code=code)


def test_a_bad_split_file(finetune, tmp_path):
    path = tmp_path / "s.json"
    path.write_text('[{"train": "0-10", "val": [12]}]')
    assert "fold 0: \"val\" has row 12, but the table's rows are 0 to 11" in finetune("--split-file", path,
                                                                                     code=3)
    assert "/nope" in finetune("--split-file", "/nope", code=1)


def test_the_split_is_no_other_file(labelled, tmp_path):
    model = tmp_path / "m.molrt"
    words = ["finetune", "-w", LINEAR, labelled, "-t", "y", "-o", model, "--save-split"]
    assert "is where the model goes" in molrt(*words, model, code=2)[1]
    assert "reads" in molrt(*words, labelled, code=2)[1]
    assert not model.exists()
