"""probe(): predictions with keys of the attention dropped."""

import math

import numpy as np
import pytest

import molrt


@pytest.fixture(scope="module")
def network(small, esol):
    """A whole network, in two folds."""
    return molrt.finetune(small, esol.smiles, esol.values, "log S", freeze_prefix="none", epochs=6,
                          lr=2e-3, folds=2)


def test_a_probe_begins_with_the_prediction(network, esol):
    told = molrt.probe(network, esol.smiles, esol.values, layers=[1], rates=[.5, .2])
    assert told["rates"] == [.2, .5] and told["layers"] == [1] and told["networks"] == 2
    assert told["attributions"] == ["gold", "abs"] and told["metrics"] == ["rmse", "r2"]
    (target,) = told["targets"]
    assert target["name"] == "log S" and target["n"] == len(esol.values)
    error = network.predict(esol.smiles).mean[:, 0].astype(float) - esol.values
    assert math.isclose(target["plain"]["rmse"], math.sqrt(np.mean(error**2)), rel_tol=1e-12)
    (layer,) = target["layers"]
    assert layer["layer"] == 1 and len(layer["random"]["r2"]) == 2
    for low, high in zip(layer["gold"]["low"]["rmse"], layer["gold"]["high"]["rmse"]):
        assert low < target["plain"]["rmse"] < high


def test_options_reach_the_library(network, esol, tmp_path):
    smiles, values = esol.smiles[:8] + ["not a molecule"], esol.values[:8] + [1.0]
    stages = []
    told = molrt.probe(network, smiles, [[v] for v in values[:-2]] + [[None], [2]], layers="all",
                       rates=[.3], attribution="abs", seed=7, html=tmp_path / "p.html", title="A <b>",
                       threads=1, progress=lambda stage, done, total: stages.append(stage))
    assert told["layers"] == [0, 1] and told["seed"] == 7 and told["attributions"] == ["abs"]
    assert told["rows"] == {"total": 9, "used": 7, "without_target": 1, "failed": 1}
    assert "gold" not in told["targets"][0]["layers"][0]
    assert "<h1>A &lt;b&gt;</h1>" in (tmp_path / "p.html").read_text(encoding="utf-8")
    assert {"conformers", "descriptors", "network", "probe"} == set(stages)
    again = molrt.probe(network, smiles[:7], values[:7], layers=(0, 1), rates=[.3], seed=7, threads=2,
                        attribution="abs", batch_size=2)
    assert again["targets"] == told["targets"]
    other = molrt.probe(network, smiles[:7], values[:7], rates=[.3], seed=8, attribution="abs")
    assert other["targets"][0]["layers"][0]["random"] != told["targets"][0]["layers"][0]["random"]


def test_classes(small, esol):
    model = molrt.finetune(small, esol.smiles, [int(v > -3) for v in esol.values], task="binary", epochs=6,
                           freeze_prefix="none", lr=2e-3, inputs="cls")
    told = molrt.probe(model, esol.smiles, [int(v > -3) for v in esol.values], rates=[.4])
    assert told["metrics"] == ["auroc", "accuracy"] and told["task"] == "binary"
    for layer in told["targets"][0]["layers"]:
        assert layer["gold"]["low"]["auroc"][0] > layer["gold"]["high"]["auroc"][0]
    with pytest.raises(molrt.DataError, match="row 2: target .* is 2; task=binary expects 0 or 1"):
        molrt.probe(model, ["C", "CC"], [0, 2])
    three = molrt.finetune(small, esol.smiles, [i % 3 for i in range(60)], "kind", task="multiclass", epochs=2)
    told = molrt.probe(three, esol.smiles, [i % 3 for i in range(60)], rates=[.4], layers=[0])
    assert told["targets"][0]["name"] == "kind"
    with pytest.raises(molrt.DataError, match="row 2: target 'kind' is 3; the model's classes are 0 to 2"):
        molrt.probe(three, ["C", "CC"], [0, 3])


def test_errors(network, small, esol):
    def refused(error, match, model=network, smiles=("C", "CC"), targets=(1, 2), **options):
        with pytest.raises(error, match=match):
            molrt.probe(model, smiles, targets, **options)

    refused(molrt.Error, "no head", model=small)
    refused(TypeError, "expected a molrt.Model", model="m.molrt")
    refused(TypeError, "needs targets", targets=None)
    refused(ValueError, "3 rows", targets=[1, 2, 3])
    refused(ValueError, "target_count = 2: the model has 1 target", targets=[[1, 2], [3, 4]])
    refused(ValueError, "layers are 0 to 1", layers=[2])
    refused(ValueError, "layers='some'", layers="some")
    refused(ValueError, "rate 1", rates=[1])
    refused(ValueError, "no rate", rates=[])
    refused(ValueError, "attribution='pure'", attribution="pure")
    refused(molrt.DataError, "none of the 2 rows", targets=[None, None])

    def stop(stage, done, total):
        if stage == "probe":
            raise KeyboardInterrupt

    refused(KeyboardInterrupt, "", progress=stop)
