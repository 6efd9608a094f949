"""The file that keeps conformers for later calls."""

import logging

import numpy as np
import pytest

import molrt

from conftest import BAD, GOOD


def test_results_are_the_same(small, headed, tmp_path):
    cache = tmp_path / "c.sqlite"
    smiles = GOOD + list(BAD)
    expected, predicted = small.embed(smiles), headed.predict(smiles)
    for _ in range(2):
        found = small.embed(smiles, conformer_cache=cache)
        assert found.cls.tobytes() == expected.cls.tobytes()
        assert found.messages == expected.messages
        again = headed.predict(smiles, conformer_cache=(str(cache), 1 << 20))
        assert again.mean.tobytes() == predicted.mean.tobytes()
    assert cache.stat().st_size > 0


def test_every_call_takes_it(small, headed, tmp_path):
    values = [float(len(s)) for s in GOOD]
    names = []
    calls = [lambda c: molrt.conformers(GOOD, conformer_cache=c),
             lambda c: small.embed(GOOD, conformer_cache=c),
             lambda c: headed.predict(GOOD, conformer_cache=c),
             lambda c: molrt.predict([headed], GOOD, conformer_cache=c),
             lambda c: molrt.finetune(small, GOOD, values, epochs=1, conformer_cache=c),
             lambda c: molrt.probe(headed, GOOD, values, layers=[0], rates=[.5], conformer_cache=c)]
    for i, call in enumerate(calls):
        names.append(tmp_path / f"{i}.sqlite")
        call(names[-1])
    assert all(name.stat().st_size > 4096 for name in names)


def test_one_of_no_use_is_a_warning(small, tmp_path, caplog):
    table = tmp_path / "mine.csv"
    table.write_text("mine")
    with caplog.at_level(logging.WARNING, "molrt"):
        result = small.embed(GOOD, conformer_cache=table)
    assert result.ok.all() and np.isfinite(result.cls).all()
    assert [str(table) in record.message for record in caplog.records] == [True]
    assert table.read_text() == "mine"


def test_wrong_arguments(small, tmp_path):
    for cache, error in (("", molrt.InvalidArgumentError), ((tmp_path / "c", 1), molrt.InvalidArgumentError),
                         ((tmp_path / "c", -1), ValueError), (5, TypeError), ("a\0b", ValueError)):
        with pytest.raises(error):
            small.embed(GOOD, conformer_cache=cache)
