"""Error bars, intervals, units and MC dropout of molrt finetune and predict."""
import json

import pytest

from conftest import LINEAR, SMILES, molrt, rows


@pytest.fixture(scope="module")
def network(labelled, tmp_path_factory):
    """A whole network of three folds, trained with dropout."""
    path = tmp_path_factory.mktemp("network") / "n.molrt"
    _, log = molrt("finetune", "-w", LINEAR, labelled, "-t", "y", "-o", path, "--folds", "3",
                   "--freeze-prefix", "none", "--epochs", "2", "--mc-T", "4", "--unit", "kcal/mol")
    assert "'y' error bars: " in log and "predicts without dropout" in log
    return path


def test_value_error_bar_and_interval(network, table):
    out, log = molrt("predict", "-m", network, table("smiles\n" + "\n".join(SMILES) + "\nbad\n"),
                     "--level", ".8")
    header, *cells = rows(out)
    assert header == ["smiles", "y_pred", "y_std", "y_error", "y_low", "y_high", "status", "flags"]
    for row in cells[:-1]:
        value, error, low, high = (float(row[header.index(f"y_{c}")])
                                   for c in ("pred", "error", "low", "high"))
        assert low < value < high and error > 0
    assert cells[-1][1:6] == [""] * 5
    assert "'y' in kcal/mol; error bars are one standard deviation, intervals are at 80 %" in log


def test_mc_and_details(network, table):
    path = table("smiles\nCCO\nCCN\nCCO\n")
    out, log = molrt("predict", "-m", network, path, "--predict", "mc", "--details")
    header, *cells = rows(out)
    assert header[1:] == ["y_pred", "y_std", "y_error", "y_low", "y_high", "y_spread", "y_det",
                          "y_gap", "status", "flags"]
    assert "mean of 4 passes" in log
    first = dict(zip(header, cells[0]))
    assert float(first["y_spread"]) > 0
    assert float(first["y_gap"]) == pytest.approx(float(first["y_pred"]) - float(first["y_det"]),
                                                  abs=1e-5)
    assert cells[0] == cells[2]
    same = molrt("predict", "-m", network, path, "--predict", "mc", "--details", "--threads", "1",
                 "--batch-size", "1", "-q")[0]
    assert same == out
    assert molrt("predict", "-m", network, path, "--predict", "mc", "--mc-T", "5", "-q")[0] != \
        molrt("predict", "-m", network, path, "--predict", "mc", "-q")[0]
    det = rows(molrt("predict", "-m", network, path, "-q")[0])
    assert det[1][1] == first["y_det"]


def test_inspect_shows_units_and_calibration(network):
    model = json.loads(molrt("inspect", network, "--json")[0])
    assert model["units"] == ["kcal/mol"]
    assert model["uncertainty"]["samples"] == 4
    assert model["uncertainty"]["det"][0]["rows"] == len(SMILES) - 1
    assert "kcal/mol" in molrt("inspect", network)[0]


def test_too_few_values_for_the_level_are_said(network, table):
    out, log = molrt("predict", "-m", network, table("smiles\nCCO\n"), "--level", ".99")
    assert rows(out)[1][3] and rows(out)[1][4:6] == ["", ""]
    assert "too few values" in log


@pytest.mark.parametrize("words, said", [
    (["--mc-T", "50"], "--mc-T has no effect"),
    (["--mc-T", "1"], "2"),
    (["--level", "1"], "between 0 and 1"),
    (["--level", "none"], "between 0 and 1"),
    (["--predict", "often"], "auto"),
])
def test_refusals(network, table, words, said):
    _, log = molrt("predict", "-m", network, table("smiles\nCCO\n"), *words, code=2)
    assert said in log


def test_a_model_without_dropout_or_calibration_refuses_what_has_no_effect(table):
    path = table("smiles\nCCO\n")
    _, log = molrt("predict", "-m", LINEAR, path, "--predict", "mc", code=2)
    assert "standard deviation 0" in log
    _, log = molrt("predict", "-m", LINEAR, path, "--level", ".8", code=2)
    assert "no model has intervals" in log


def test_units_are_one_for_each_target(labelled, tmp_path):
    _, log = molrt("finetune", "-w", LINEAR, labelled, "-t", "y", "-t", "second y", "--unit", "a",
                   "-o", tmp_path / "m.molrt", code=2)
    assert "one for each target" in log
