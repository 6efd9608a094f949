"""molrt finetune, convert, inspect and init."""
import json

import pytest

from conftest import DATA, LINEAR, SMILES, molrt, rows

TRAIN = ["--epochs", "5"]


def test_summary_and_report(labelled, tmp_path):
    out, log = molrt("finetune", "--weights", LINEAR, labelled, "--target", "y", "-o",
                     tmp_path / "m.molrt", "--json", "--folds", "3", *TRAIN)
    report = json.loads(out)
    assert report["rows"] == {"total": len(SMILES), "used": len(SMILES) - 1, "without_target": 1,
                              "failed": 0, "outside_split": 0}
    assert len(report["folds"]) == 3
    assert report["settings"]["epochs"] == 5 and report["settings"]["folds"] == 3
    for part in "fold 3:", "RMSE", "MAE", "R2", "predicting the mean", "--epochs 5", "thread":
        assert part in log
    model = json.loads(molrt("inspect", tmp_path / "m.molrt", "--json")[0])
    assert model["folds"] == 3 and model["targets"] == ["y"] and model["settings"]["epochs"] == 5


def test_same_seed_same_predictions(labelled, table, tmp_path):
    path = table("smiles\nCCO\nCCCCO\n")
    results = []
    for seed in 1, 1, 2:
        molrt("finetune", "-w", LINEAR, labelled, "-t", "y", "-o", tmp_path / "m.molrt", "-q",
              "--seed", seed, "--threads", seed, *TRAIN)
        results.append(molrt("predict", "-m", tmp_path / "m.molrt", path, "-q")[0])
    assert results[0] == results[1] != results[2]


def test_flags_reach_the_training(labelled, tmp_path):
    flags = {"head": "pooled", "pooler-dropout": 0.25, "lr": 0.002, "batch-size": 4, "split": "random",
             "seed": 7}
    words = [word for flag, value in flags.items() for word in (f"--{flag}", value)]
    molrt("finetune", "-w", LINEAR, labelled, "-t", "y", "-o", tmp_path / "m.molrt", "-q", *words, *TRAIN)
    model = json.loads(molrt("inspect", tmp_path / "m.molrt", "--json")[0])
    assert model["head"] == "pooled"
    for flag, value in flags.items():
        assert model["settings"][flag.replace("-", "_")] == value


@pytest.mark.parametrize("words, code, said", [
    (["--target", "z"], 2, "no column 'z'; the columns are 'name', 'smiles', 'y', 'second y'"),
    (["--target", "name"], 3, "row 1 (line 2), column 'name': 'm0' is no number"),
    (["--target", "y", "--target", "y"], 2, "twice"),
    (["--target", "y", "--smiles", "SMILE"], 2, "no column 'SMILE'; the columns are 'name', 'smiles', "
     "'y', 'second y'; did you mean 'smiles'?"),
    (["--target", "y", "--pooler-dropout", "2"], 2, "--pooler-dropout must be"),
    (["--target", "y", "--lr", "fast"], 2, "--lr: takes a number"),
    (["--target", "y", "--head", "cubic"], 2, "linear|pooled"),
    (["--target", "y", "--poler-dropout", "0.1"], 2, "did you mean --pooler-dropout?"),
    (["--target", "y", "--folds", "50"], 3, "folds"),
    (["--target", "y", "--solver", "ridge", "--epochs", "3"], 2, "epochs"),
])
def test_refusals(labelled, tmp_path, words, code, said):
    _, log = molrt("finetune", "-w", LINEAR, labelled, "-o", tmp_path / "m.molrt", *words, code=code)
    assert said in log
    assert not list(tmp_path.glob("*"))  # neither a model nor anything temporary


@pytest.mark.parametrize("cell", ["inf", "1,5", "1.0x", "0x10", "--1", "+-1", "1e999"])
def test_cells_that_are_no_numbers(table, tmp_path, cell):
    path = table('smiles,y\nC,1\nCC,"%s"\n' % cell)
    _, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", code=3)
    assert f"row 2 (line 3), column 'y': '{cell}'" in log


def test_labels_beyond_float32(table, tmp_path):
    path = table("smiles,y\nC,1\nCC,-4e38\n")
    _, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", code=3)
    assert "row 2 (line 3), column 'y': '-4e38' is too large" in log


def test_tables_that_cannot_be_trained_on(table, tmp_path):
    words = ["-o", tmp_path / "m", "-w", "nope.pt"]  # found before the weights are opened
    assert "in.csv has no rows" in molrt("finetune", table("smiles,y\n"), "-t", "y", *words, code=3)[1]
    path = table(b"smiles,\xb5\nC,1\n")
    _, log = molrt("finetune", path, "-t", b"\xb5".decode(errors="surrogateescape"), *words, code=3)
    assert "not UTF-8" in log


def test_the_training_table_is_not_overwritten(table, tmp_path):
    path = table("smiles,y\nC,1\nCC,2\n")
    (tmp_path / "link").hardlink_to(path)
    for output in path, tmp_path / "link":
        _, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", output, code=2)
        assert f"{output}: is what the input reads" in log
    with path.open("rb") as stdin:
        molrt("finetune", "-w", LINEAR, "-", "-t", "y", "-o", path, code=2, stdin=stdin)
    assert path.read_text() == "smiles,y\nC,1\nCC,2\n"


def test_the_base_is_not_overwritten(labelled, tmp_path):
    molrt("convert", LINEAR, "-o", tmp_path / "base", "-q")
    words = tmp_path / "words.txt"
    words.write_text("C\n")
    before = (tmp_path / "base").read_bytes()
    for output, name in (tmp_path / "base", "--weights"), (words, "--dictionary"):
        log = molrt("finetune", "-w", tmp_path / "base", labelled, "-t", "y", "--dictionary", words, "-o", output, code=2)[1]
        assert f"{output}: is what {name} reads" in log
    assert (tmp_path / "base").read_bytes() == before and words.read_text() == "C\n"


def test_a_model_goes_to_a_file(labelled):
    for words in ["finetune", "-w", LINEAR, labelled, "-t", "y"], ["convert", LINEAR], ["init"]:
        assert "a model goes to a file" in molrt(*words, "-o", "-", code=2)[1]


def test_convert_over_its_own_input(tmp_path):
    molrt("convert", LINEAR, "-o", tmp_path / "m", "-q")
    before = (tmp_path / "m").read_bytes()
    molrt("convert", tmp_path / "m", "-o", tmp_path / "m", "--dtype", "f16", "-q")
    assert len((tmp_path / "m").read_bytes()) < len(before)


def test_bad_molecules_are_left_out(table, tmp_path):
    good = "".join(f"{s},{i}\n" for i, s in enumerate(SMILES))
    path = table("smiles,y\n" + good + "nope,3\n,4\n")
    out, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", "--json", *TRAIN)
    assert json.loads(out)["rows"]["failed"] == 2
    assert json.loads(out)["molecules"]["status"]["invalid_smiles"] == 1
    assert "row 13 (line 14): invalid_smiles: " in log
    _, log = molrt("finetune", "-w", LINEAR, table("smiles,y\nnope,1\n"), "-t", "y", "-o",
                   tmp_path / "m", code=3)
    assert "status: invalid_smiles 1" in log and "no row can be trained on" in log


def test_inspect_counts_what_it_read(tmp_path):
    path = tmp_path / "m"
    molrt("convert", LINEAR, "-o", path, "-q")
    model = json.loads(molrt("inspect", path, "--json")[0])
    assert model["file_bytes"] == path.stat().st_size
    assert 0 < model["bytes_read"] < 1.1 * model["file_bytes"]  # parts of its header are read twice
    assert f"{model['bytes_read']}" in molrt("inspect", path)[0]


def test_convert_keeps_the_predictions(table, tmp_path):
    path = table("smiles\nCCO\nc1ccccc1\n")
    expected, _ = molrt("predict", "-m", LINEAR, path, "-q")
    molrt("convert", LINEAR, "-o", tmp_path / "m.molrt")
    assert molrt("predict", "-m", tmp_path / "m.molrt", path, "-q")[0] == expected
    sizes = {}
    for dtype in "f32", "f16", "bf16":
        molrt("convert", LINEAR, "-o", tmp_path / dtype, "--dtype", dtype, "-q")
        sizes[dtype] = (tmp_path / dtype).stat().st_size
        value = float(rows(molrt("predict", "-m", tmp_path / dtype, path, "-q")[0])[1][1])
        assert value == pytest.approx(float(rows(expected)[1][1]), rel=0.1)
    assert sizes["f16"] < 0.7 * sizes["f32"] > sizes["bf16"]


def test_opening_options_are_stored(tmp_path):
    molrt("convert", LINEAR, "-o", tmp_path / "m", "--hydrogens", "none", "--layout", "specials-first",
          "--max-atoms", "99", "-q")
    model = json.loads(molrt("inspect", tmp_path / "m", "--json")[0])
    assert (model["hydrogens"], model["layout"], model["max_atoms"]) == ("none", "specials_first", 99)


@pytest.mark.parametrize("name", ["molecule_linear.pth", "oled_pretrained.pt", "molecule_odd.pth"])
def test_inspect_for_people(name):
    out, _ = molrt("inspect", DATA / name, "-q")
    for word in "architecture", "dictionary", "layout", "hydrogens", "targets", "elements":
        assert f"\n{word}" in out
    assert ("no head" if "pretrained" in name else "linear head") in out.splitlines()[0]


def test_init(table, tmp_path):
    sizes = ["--layers", 2, "--width", 32, "--ffn", 40, "--heads", 4]
    for name, words in {"a": [], "b": [], "c": ["--seed", 1], "d": ["--arch", "oled"]}.items():
        molrt("init", "-o", tmp_path / name, *sizes, *words, "-q")
    a, b, c = [(tmp_path / name).read_bytes() for name in "abc"]
    assert a == b != c
    assert json.loads(molrt("inspect", tmp_path / "d", "--json")[0])["architecture"]["width"] == 32
    molrt("init", "-o", tmp_path / "e", "--width", 30, "--heads", 4, code=2)
    _, log = molrt("predict", "-m", tmp_path / "a", table("smiles\nC\n"), code=2)
    assert "molrt finetune" in log
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize("words, said", [
    (["--folds", "100"], "100 folds need at least 100"),
    (["--task", "binary"], "task=binary expects"),
    (["--task", "multiclass"], "task=multiclass expects"),
])
def test_labels_are_looked_at_before_the_molecules(table, tmp_path, words, said):
    path = table("smiles,y\n" + "".join(f"{s},{i + .5}\n" for i, s in enumerate(SMILES)))
    _, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", *words, code=3)
    assert said in log and "represented" not in log and "pending" not in log


def test_decay_shrinks_a_head(table, tmp_path):
    path = table("smiles,y\n" + "".join(f"{s},{i}\n" for i, s in enumerate(SMILES)))
    losses = []
    for decay in "0", "50":
        out, _ = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", "--json",
                       "--weight-decay", decay, *TRAIN)
        losses.append(json.loads(out)["folds"][0]["train_loss"])
    assert losses[0] != losses[1]
    _, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", "--solver", "ridge",
                   "--weight-decay", ".1", code=2)
    assert "--weight-decay would have no effect: solver=ridge" in log
    _, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", "--solver", "ridge",
                   "--child-mode", "F", code=2)
    assert "--child-mode would have no effect: solver=ridge" in log


def test_molecules_of_two_minds_are_named(table, tmp_path):
    path = table("smiles,y\n" + "".join(f"{s},{i}\n" for i, s in enumerate(SMILES)) + "CCO,90\nOCC,-90\n")
    _, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", *TRAIN)
    assert "are the same molecule, but their 'y' are" in log


def test_going_on_from_measured_values_is_said(table, tmp_path):
    path = table("smiles,y\n" + "".join(f"{s},{i}\n" for i, s in enumerate(SMILES)))
    molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", *TRAIN)
    for words, told in ([], False), (["--head-init", "base"], True), (["--freeze-prefix", "none"], False):
        _, log = molrt("finetune", "-w", tmp_path / "m", path, "-t", "y", "-o", tmp_path / "n", *TRAIN, *words)
        assert ("has learnt from measured values before" in log) == told
    for base, out in ("n", "o"), ("o", "p"):  # an encoder that has learnt stays one
        _, log = molrt("finetune", "-w", tmp_path / base, path, "-t", "y", "-o", tmp_path / out, *TRAIN)
        assert "has learnt from measured values before" in log


@pytest.mark.parametrize("words, said", [
    (["--no-dropout", "1", "--pooler-dropout", ".2"], "--pooler-dropout would have no effect"),
    (["--freeze-prefix", "embed_tokens,gbf,encoder", "--emb-dropout", ".3"], "--emb-dropout would have no effect"),
    (["--freeze-prefix", "embed_tokens,gbf,encoder", "--predict", "mc"], "--predict would have no effect"),
    (["--freeze-prefix", ""], "--freeze-prefix: it names no tensors"),
    (["--child-keep-f", ".2"], "--child-keep-f would have no effect: child.mode is off"),
    (["--child-mode", "F", "--child-keep-f", "0"], "--child-keep-f must be between"),
    (["--msd-n", "5"], "--msd-n: without dropout in the head all samples are equal: set msd.p"),
    (["--msd-p", ".2"], "--msd-p would have no effect: msd.n is 1"),
    (["--msd-n", "5", "--msd-p", ".2", "--pooler-dropout", ".1"], "--pooler-dropout would have no effect: msd.p"),
])
def test_what_would_change_nothing_is_refused(table, tmp_path, words, said):
    path = table("smiles,y\n" + "".join(f"{s},{i}\n" for i, s in enumerate(SMILES)))
    _, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", *TRAIN, *words, code=2)
    assert said in log


def test_a_base_of_more_networks_than_are_trained_is_said(table, tmp_path):
    path = table("smiles,y\n" + "".join(f"{s},{i}\n" for i, s in enumerate(SMILES)))
    molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", "--folds", "3", *TRAIN)
    _, log = molrt("finetune", "-w", tmp_path / "m", path, "-t", "y", "-o", tmp_path / "n", "--head-init", "base",
                   *TRAIN)
    assert "the base model has 3 networks, and this run's 1" in log
    _, log = molrt("finetune", "-w", tmp_path / "m", path, "-t", "y", "-o", tmp_path / "n", "--head-init", "base",
                   "--head", "linear", *TRAIN, code=2)
    assert "--head would have no effect: head_init=base" in log


@pytest.mark.parametrize("where", ["encoder", "none"])
def test_multi_sample_dropout(table, tmp_path, where):
    path = table("smiles,y\n" + "".join(f"{s},{i}\n" for i, s in enumerate(SMILES)))
    losses = {}
    for name, words in {"plain": ["--pooler-dropout", ".4"], "one": ["--msd-n", "2", "--msd-p", ".4"],
                        "mean": ["--msd-n", "2", "--pooler-dropout", ".4", "--msd-reduce", "pred"]}.items():
        out, log = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / name, "--json", *TRAIN,
                         "--freeze-prefix", where, *words)
        told = json.loads(out)
        losses[name] = told["folds"][0]["train_loss"]
        assert told["settings"]["msd.p" if name != "plain" else "pooler_dropout"] == .4
        assert json.loads(molrt("inspect", tmp_path / name, "--json")[0])  # it is a model
        molrt("predict", "-m", tmp_path / name, path, "--predict", "mc", "-q")
    assert len(set(losses.values())) == 3
