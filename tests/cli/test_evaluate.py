"""models/evaluate.py: the table of models, forest and boosting, on tables of a few rows."""
import csv
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from conftest import BIN, DATA, molrt

for module in ("sklearn", "rdkit", "matplotlib"):
    pytest.importorskip(module, reason=f"models/evaluate.py needs python3-{module}")

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
QUICK = '''
import sys; sys.path.insert(0, {models!r})
import evaluate
for recipe, few in (("forest", {{"n_estimators": 3}}), ("boosting", {{"max_iter": 3}})):
    evaluate.BASELINES[recipe]["settings"] = few
for recipe in evaluate.NETWORKS:
    evaluate.NETWORKS[recipe] = evaluate.NETWORKS[recipe] | {{"epochs": {epochs}}}
evaluate.main()
'''


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """60 rows of ESOL, and 100 of it with classes. No FreeSolv, no QM9."""
    folder = tmp_path_factory.mktemp("data")
    with open(DATA / "esol.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for name, header, count, value in (("delaney.csv", "smiles,logp", 60, lambda i, row: row["logp"]),
                                       ("bace.csv", "mol,Class", 100, lambda i, row: i % 2)):
        (folder / name).write_text(header + "\n" + "".join(
            f"{row['smiles']},{value(i, row)}\n" for i, row in enumerate(rows[:count])))
    return folder


def init(path, seed):
    molrt("init", "--arch", "oled", "--layers", "1", "--width", "16", "--ffn", "16", "--heads", "4", "--seed", seed,
          "-o", path, "-q")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.molrt"
    init(path, 9)  # untrained twins have the seeds of the runs
    return path


def start(data, out, model, *words, epochs=2):
    script = QUICK.format(models=str(MODELS), epochs=epochs)
    models = ["--models", *([model] if model else [])]
    return subprocess.Popen([sys.executable, "-c", script, data, "--out", out, *models, "--seeds", "2", "--molrt", BIN,
                             "--threads", "2", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def evaluate(*arguments, code=0, **keywords):
    process = start(*arguments, **keywords)
    out, log = process.communicate(timeout=500)
    assert process.returncode == code, log
    return out, log


def contents(out):
    return {path.name: path.read_bytes() for path in (out / "runs").glob("*.json")}


def wait_for_runs(process, out, count):
    while len(contents(out)) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(.02)


def test_the_table_comes_whole_after_a_kill(data, model, tmp_path):
    words = ["--sets", "esol", "freesolv", "--splits", "random"]
    process = start(data, tmp_path, model, *words)
    wait_for_runs(process, tmp_path, 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (tmp_path / "making.stale").mkdir()
    before = contents(tmp_path)
    assert 4 <= len(before) < 20
    out, log = evaluate(data, tmp_path, model, *words)
    assert f"evaluate: {len(before)} of 20 runs are there already" in log and "[20/20]" in log
    assert "warning: freesolv is left out" in log and "freesolv is left out: freesolv.csv is not there" in out
    assert not list(tmp_path.glob("making.*"))
    after = contents(tmp_path)
    assert len(after) == 20 and {name: after[name] for name in before} == before
    check_results(json.loads((tmp_path / "results.json").read_text()))
    check_page(out, tmp_path)


def check_results(runs):
    assert len(runs) == 20 and {tuple(run["rows"]) for run in runs} == {(48, 6, 6)}
    networks = [run for run in runs if run["model"]]
    assert {run["model"] for run in networks} == {"tiny", "untrained tiny"}
    assert {run["method"] for run in runs} == {"forest", "boosting", "frozen", "frozen + descriptors", "fine-tuned",
                                               "fine-tuned + descriptors"}
    assert all(run["test"]["ESOL"]["rmse"] > 0 and run["valid"]["ESOL"]["rmse"] > 0 for run in runs)
    assert len({run["test"]["ESOL"]["rmse"] for run in networks}) == len(networks)


def check_page(out, folder):
    assert out == (folder / "table.md").read_text()
    for name in ("| forest |", "| tiny: frozen |", "| untrained tiny: fine-tuned + descriptors |",
                 "minus forest/boosting"):
        assert name in out
    best = re.findall(r"\*\*\d\.\d{3} ± \d+\.\d{3}\*\*", out.split("####")[1])
    assert len(best) == 1
    assert "<svg" in (folder / "esol.svg").read_text()


def test_what_has_changed_is_made_anew(data, model, tmp_path):
    words = ["--sets", "esol", "bace", "--splits", "random", "--methods", "forest", "frozen"]
    evaluate(data, tmp_path, model, *words)
    _, log = evaluate(data, tmp_path, model, *words)
    assert "evaluate: 12 of 12 runs are there already" in log and "[" not in log
    other = tmp_path / "other" / model.name
    other.parent.mkdir()
    init(other, 7)
    _, log = evaluate(data, tmp_path, other, *words)  # the untrained twin, forest stay
    assert "evaluate: 8 of 12 runs are there already" in log
    _, log = evaluate(data, tmp_path, other, *words, epochs=3)
    assert "evaluate: 4 of 12 runs are there already" in log  # the forest's
    more = tmp_path / "data"
    shutil.copytree(data, more)
    (more / "bace.csv").write_text((data / "bace.csv").read_text() + "CCCCCO,1\n")
    out, log = evaluate(more, tmp_path, other, *words, epochs=3)
    assert "evaluate: 6 of 12 runs are there already" in log  # ESOL's
    assert "BACE: AUROC of the test rows, higher is better" in out


def test_splits_are_molrts(data, model, tmp_path):
    """The scaffolds' is the one of the product, and the random one keeps rows of a molecule together."""
    sys.path.insert(0, str(MODELS))
    from evaluation import sets, splits
    esol = sets.read_set(sets.SETS["esol"], data)
    split = splits.scaffold_split(esol, 0)
    molrt("finetune", "-w", model, data / "delaney.csv", "-t", "logp", "--epochs", "1", "--split",
          "scaffold_moleculenet", "--test-fraction", ".1", "--valid-fraction", ".1", "--save-split",
          tmp_path / "split.json", "-o", tmp_path / "m.molrt", "-q")
    told = json.loads((tmp_path / "split.json").read_text())[0]
    assert [told["train"], told["val"], told["test"]] == [list(split.train), list(split.valid), list(split.test)]
    twice = sets.MeasuredSet(esol.plan, esol.smiles * 2, esol.canonical * 2, esol.values, 0, "")
    first, second = (splits.random_split(twice, seed) for seed in (0, 1))
    assert list(first.test) != list(second.test)
    for part in (first.train, first.valid, first.test):
        assert {(row + 60) % 120 for row in part} == set(part)
    assert sorted([*first.fitted, *first.test]) == list(range(120)) and len(first.test) == len(first.valid) == 12


def test_intervals_and_choices():
    sys.path.insert(0, str(MODELS))
    from evaluation import page, summary, tables
    told = summary.interval([1.0, 2.0, 3.0])
    assert told.mean == 2 and told.half == pytest.approx(4.302653 / 3 ** .5, rel=1e-5)
    runs = [{"split": "random", "seed": seed, "model": model, "method": method,
             "test": {"ESOL": {"rmse": test + seed / 100}}, "valid": {"ESOL": {"rmse": valid}}}
            for model, method, valid, test in (("", "forest", .7, .5), ("", "boosting", .6, .8),
                                               ("m", "frozen", .5, .6), ("m", "fine-tuned", .9, .1))
            for seed in range(3)]
    (esol,) = summary.by_target(runs, "test")
    chosen = tables.summary_table([esol]).splitlines()[2:]
    assert chosen[0].startswith("| ESOL | RMSE | random | boosting | 0.810 ± ")
    assert chosen[1].startswith("| ESOL | RMSE | random | m: frozen | 0.610 ± ")
    assert chosen[1].endswith("| **-0.200 ± 0.000** |")
    assert "| m: fine-tuned | **0.110" in tables.target_table(esol)
    text = page.markdown(runs, ["a note"], "valid", "")
    assert "| m: frozen | **0.500 ± 0.000** |" in text and "validation rows" in text and text.endswith("* a note\n")


def test_the_readme_keeps_all_but_what_is_between_the_markers(tmp_path):
    sys.path.insert(0, str(MODELS))
    from evaluation import page
    run = {"split": "random", "seed": 0, "model": "", "method": "forest", "test": {"ESOL": {"rmse": .5}},
           "valid": {"ESOL": {"rmse": .5}}}
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{page.BEGIN}\nstale text\n{page.END}\nafter\n")
    page.write_readme([run], [], readme)
    first = readme.read_text()
    assert first.startswith(f"before\n{page.BEGIN}\n1 seed;") and first.endswith(f"{page.END}\nafter\n")
    assert "stale text" not in first and "pictures/esol.svg" in first
    picture = (tmp_path / "pictures" / "esol.svg").read_bytes()
    page.write_readme([run], [], readme)
    assert readme.read_text() == first and (tmp_path / "pictures" / "esol.svg").read_bytes() == picture
    readme.write_text("no markers")
    with pytest.raises(SystemExit, match="README.md: expected <!-- evaluate.py -->"):
        page.write_readme([run], [], readme)


@pytest.mark.parametrize("words, said", [
    (["--sets", "nope"], "invalid choice: 'nope'"),
    (["--seeds", "0"], "--seeds is at least 1"),
    (["--write", "--by", "valid"], "--write puts the test rows'"),
    (["--models", "none.molrt"], "none.molrt: no such file")])
def test_refusals(data, model, tmp_path, words, said):
    _, log = evaluate(data, tmp_path, None, *words, code=2)
    assert said in log


def test_a_folder_without_sets(tmp_path):
    _, log = evaluate(tmp_path, tmp_path / "out", None, code=1)
    assert "has none of the sets" in log and "qm9 is left out: " in log and "qm9_reserved_idx.txt" in log
