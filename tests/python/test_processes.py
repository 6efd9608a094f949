"""Models in worker processes, as multiprocessing starts them."""
import multiprocessing

import numpy as np
import pytest

import molrt
from conftest import DATA, GOOD

model = None


def predict_with_global(smiles):
    return model.predict(smiles).mean


def predict_with(argument):
    given, smiles = argument
    return given.predict(smiles).mean


def test_forked_workers_use_the_parents_model(headed):
    global model
    model = headed
    expected = model.predict(GOOD).mean
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for mean in pool.map_async(predict_with_global, [GOOD] * 4).get(timeout=120):
            assert np.array_equal(mean, expected)
    assert np.array_equal(model.predict(GOOD).mean, expected)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_get_a_pickled_model(headed, method):
    expected = headed.predict(GOOD).mean
    with multiprocessing.get_context(method).Pool(2) as pool:
        for mean in pool.map_async(predict_with, [(headed, GOOD)] * 2).get(timeout=120):
            assert np.array_equal(mean, expected)


def load_and_predict(path):
    return molrt.load(path).predict(GOOD).mean


def test_a_forked_worker_loads_a_model_of_its_own(headed):
    expected = headed.predict(GOOD).mean  # the parent's threads are there
    with multiprocessing.get_context("fork").Pool(1) as pool:
        mean = pool.apply_async(load_and_predict, (DATA / "molecule_linear.pth",)).get(timeout=120)
    assert np.array_equal(mean, expected)
