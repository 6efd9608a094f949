"""molrt probe: its page, its numbers and its refusals."""
import json
import math
import re

import pytest

from conftest import DATA, LINEAR, SMILES, molrt, rows
from test_report import read_page

QUICK = ["--rates", "0.2,0.5"]


@pytest.fixture(scope="module")
def network(labelled, tmp_path_factory):
    """A whole network of one target."""
    path = tmp_path_factory.mktemp("network") / "network.molrt"
    molrt("finetune", "-w", LINEAR, labelled, "-t", "y", "-o", path, "--freeze-prefix", "none",
          "--epochs", "20", "--lr", "1e-3", "-q")
    return path


def test_the_numbers_and_the_page(network, labelled, tmp_path):
    out, log = molrt("probe", "-m", network, labelled, "-t", "y", "-o", tmp_path / "p.html", "--json", *QUICK)
    told = json.loads(out)
    assert told["rows"] == {"total": 12, "used": 11, "without_target": 1, "failed": 0}
    assert told["rates"] == [.2, .5] and told["html"] == str(tmp_path / "p.html")
    (target,) = told["targets"]
    assert [layer["layer"] for layer in target["layers"]] == told["layers"] == [0, 1, 2]
    for layer in target["layers"]:
        assert layer["gold"]["low"]["rmse"][1] < layer["gold"]["high"]["rmse"][1]
    assert "with all keys rmse" in log and re.search(r"layer 1, gold low +[\d.]+ +[\d.]+\n", log)
    assert f"{told['passes']:.0f} passes of each conformer" in log
    page, pictures = read_page(tmp_path / "p.html")
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert len(pictures) == 3 * 2 * 2  # layers, attributions, metrics
    assert f"{target['plain']['rmse']:.4g}" in page.text
    assert "Attention probe of network.molrt, in.csv" not in page.text
    assert "Attention probe of network.molrt, train.csv" in page.text


def test_the_plain_metric_is_the_predictions(network, labelled):
    predicted = rows(molrt("predict", "-m", network, labelled, "-q")[0])
    y, f = predicted[0].index("y"), predicted[0].index("y_pred")
    errors = [float(r[f]) - float(r[y]) for r in predicted[1:] if r[y] != "NaN"]
    told = json.loads(molrt("probe", "-m", network, labelled, "-t", "y", "-q", "--json", "--layers", "0", *QUICK)[0])
    rmse = math.sqrt(sum(e * e for e in errors) / len(errors))
    assert told["targets"][0]["plain"]["rmse"] == pytest.approx(rmse, rel=1e-6)


def test_neither_threads_nor_batches_matter(model, labelled):
    words = ["probe", "-m", model, labelled, "-t", "y", "-t", "second y", "-q", "--json", "--layers", "all", *QUICK]
    targets = [json.loads(molrt(*words, *more)[0])["targets"]
               for more in (["--threads", "1"], ["--threads", "2", "--batch-size", "3"])]
    assert targets[0] == targets[1] and len(targets[0]) == 2


def test_choices(network, labelled):
    told = json.loads(molrt("probe", "-m", network, labelled, "-t", "#3", "-q", "--json", "--layers", "1",
                            "--rates", ".5", "--attribution", "abs", "--seed", "5", "--conformers", "2")[0])
    assert told["layers"] == [1] and told["attributions"] == ["abs"] and told["seed"] == 5
    assert "gold" not in told["targets"][0]["layers"][0]


def test_columns_beside_the_molecules(table, tmp_path):
    path = table("smiles,t,y\n" + "".join(f"{s},{i % 3},{i}\n" for i, s in enumerate(SMILES)))
    molrt("finetune", "-w", LINEAR, path, "-t", "y", "--input-column", "t", "-o", tmp_path / "m", "--epochs",
          "3", "-q")
    molrt("probe", "-m", tmp_path / "m", path, "-t", "y", "-q", *QUICK)
    other = table("smiles,y\nC,1\n", name="other.csv")
    assert "'t'" in molrt("probe", "-m", tmp_path / "m", other, "-t", "y", code=2)[1]


def test_refusals(network, model, labelled, table, tmp_path):
    def refused(*words, code=2):
        return molrt("probe", *words, code=code)[1]

    one = ["-m", network, labelled, "-t", "y"]
    assert "layer 7: the model's layers are 0 to 2" in refused(*one, "--layers", "0,7")
    assert "takes layers" in refused(*one, "--layers", "0,x")
    assert "layer 1 is there twice" in refused(*one, "--layers", "1,1")
    assert "rate 1: expected a number above 0 and below 1" in refused(*one, "--rates", "0.5,1")
    assert "--rates .1;.2" in refused(*one, "--rates", ".1;.2")
    assert "--attribution" in refused(*one, "--attribution", "pure")
    assert "name one" in refused(*one, "-o", "-")
    assert "is what the input reads" in refused(*one, "-o", labelled)
    assert str(tmp_path / "no") in refused(*one, "-o", tmp_path / "no" / "p.html", code=1)
    two = refused("-m", model, labelled, "-t", "y")
    assert "--target is given 1 time" in two and "has 2 targets" in two and "y, second y" in two
    assert "is target 2 of" in refused("-m", model, labelled, "-t", "second y", "-t", "y")
    assert "no property head" in refused("-m", DATA / "molecule_pretrained.pt", labelled, "-t", "y")
    assert "'z'" in refused("-m", network, labelled, "-t", "z")
    bad = table("smiles,y\nC,1\nCC,high\n")
    assert "row 2 (line 3), column 'y': 'high' is no number" in refused("-m", network, bad, "-t", "y", code=3)
    lost = table("smiles,y\nC1CC,1\nCC,\n", name="lost.csv")
    log = refused("-m", network, lost, "-t", "y", "-o", tmp_path / "p.html", code=3)
    assert "none of the 2 rows can be probed" in log and "C1CC" in log
    assert not (tmp_path / "p.html").exists()
