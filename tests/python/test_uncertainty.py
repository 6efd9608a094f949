"""Error bars, intervals and MC dropout: what finetune() learns and predict() gives."""

import pickle

import numpy as np
import pytest

import molrt


@pytest.fixture(scope="module")
def network(small, esol):
    """A whole network, trained with dropout."""
    return molrt.finetune(small, esol.smiles, esol.values, "log S", freeze_prefix="none", epochs=2,
                          folds=2, mc_T=5, units="log(mol/L)")


def test_a_model_has_error_bars_and_intervals(network, esol):
    assert network.info["calibration"] == "conformal" and network.info["mc_samples"] == 5
    assert network.units == ["log(mol/L)"]
    prediction = network.predict(esol.smiles)
    assert prediction.mode == "det" and prediction.level == .9
    assert prediction.units == ["log(mol/L)"]
    assert (prediction.error > 0).all()
    assert (prediction.low < prediction.mean).all() and (prediction.mean < prediction.high).all()
    assert (prediction.deterministic == prediction.mean).all()
    assert np.isnan(prediction.gap).all() and np.isnan(prediction.entropy).all()
    narrow = network.predict(esol.smiles, level=.5)
    assert (narrow.high - narrow.low < prediction.high - prediction.low).all()
    # Of the held-out molecules themselves the interval holds what it promises, give or take.
    inside = (network.held_out_low[:, 0] <= esol.values) & (esol.values <= network.held_out_high[:, 0])
    assert inside.mean() > .6
    assert (network.held_out_error > 0).all()


def test_mc_predictions_repeat_and_have_a_spread(network, esol):
    smiles = esol.smiles[:6] + esol.smiles[:1]
    first = network.predict(smiles, mode="mc", threads=1)
    again = network.predict(smiles, mode="mc", threads=2, batch_size=1)
    for name in "mean", "spread", "gap", "error", "low", "high":
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    assert first.mode == "mc" and (first.spread > 0).all()
    assert first.mean[0] == first.mean[-1]  # the same molecule
    assert np.allclose(first.gap, first.mean - first.deterministic, atol=1e-6)
    assert first.deterministic.tobytes() == network.predict(smiles).mean.tobytes()
    more = network.predict(smiles, mode="mc", samples=9)
    assert not np.array_equal(more.mean, first.mean)


def test_a_saved_model_keeps_them(network, esol, tmp_path):
    network.save(tmp_path / "m.molrt")
    again = molrt.load(tmp_path / "m.molrt")
    for mode in "det", "mc":
        one, two = (m.predict(esol.smiles[:4], mode=mode) for m in (network, again))
        for name in "mean", "error", "low", "high", "spread":
            assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
    assert again.units == network.units
    assert pickle.loads(pickle.dumps(network)).held_out_error.tobytes() == \
        network.held_out_error.tobytes()
    told = again.describe()["uncertainty"]
    assert told["noise"]["residual"] == .1 and told["kind"] == "conformal"


def test_the_report_tells_of_coverage(network):
    target = network.report["uncertainty"]["targets"][0]
    assert [item["level"] for item in target["mc"]["calibrated"]["coverage"]] == [.5, .8, .9, .95]
    assert 0 <= target["mc"]["calibrated"]["coverage"][2]["seen"] <= 1
    assert target["gap"]["rms"] > 0


def test_what_has_no_effect_is_refused(small, esol):
    head = molrt.finetune(small, esol.smiles, esol.values, epochs=2)
    with pytest.raises(molrt.InvalidArgumentError, match="standard deviation 0"):
        head.predict(["CCO"], mode="mc")
    with pytest.raises(molrt.InvalidArgumentError, match="no effect"):
        head.predict(["CCO"], samples=5)
    with pytest.raises(molrt.InvalidArgumentError, match="level"):
        head.predict(["CCO"], level=1.5)
    with pytest.raises(ValueError, match="mode='often'"):
        head.predict(["CCO"], mode="often")
    with pytest.raises(molrt.InvalidArgumentError, match="standard deviation 0"):
        molrt.finetune(small, esol.smiles, esol.values, predict="mc")
    with pytest.raises(ValueError, match="units has 2 texts"):
        molrt.finetune(small, esol.smiles, esol.values, units=["a", "b"])


def test_without_held_out_rows_there_is_no_error_bar(small, esol):
    model = molrt.finetune(small, esol.smiles, esol.values, epochs=2, valid_fraction=0,
                           pooler_dropout=.2)
    assert model.info["calibration"] == "none" and model.units == [""]
    prediction = model.predict(esol.smiles[:3], mode="mc")
    assert np.isnan(prediction.error).all() and (prediction.spread > 0).all()
    assert np.isnan(model.held_out_error).all()


def test_the_mode_of_training_is_that_of_prediction(small, esol):
    model = molrt.finetune(small, esol.smiles, esol.values, epochs=2, pooler_dropout=.2, predict="mc")
    assert model.info["mode"] == "mc"
    assert model.predict(["CCO"]).mode == "mc"
    assert model.predict(["CCO"], mode="det").mode == "det"
    told = molrt.finetune(small, esol.smiles, esol.values, epochs=2, pooler_dropout=.2, predict="auto")
    gain = told.report["uncertainty"]["gain_of_mc"]
    assert told.info["mode"] == ("mc" if gain["lower_bound_95"] > 0 else "det")
