"""What a chemist would do in a minute: scikit-learn on Morgan counts and RDKit's descriptors."""
from functools import lru_cache

import numpy as np
from rdkit import Chem
from rdkit.Chem import Descriptors, rdMolDescriptors
from sklearn.ensemble import (HistGradientBoostingClassifier, HistGradientBoostingRegressor,
                              RandomForestClassifier, RandomForestRegressor)
from threadpoolctl import threadpool_limits

from .metrics import scores
from .sets import MeasuredSet
from .splits import Split

ESTIMATORS = {("forest", "regression"): RandomForestRegressor, ("forest", "binary"): RandomForestClassifier,
              ("boosting", "regression"): HistGradientBoostingRegressor,
              ("boosting", "binary"): HistGradientBoostingClassifier}
# RDKit 2022.09's Ipc needs a numpy before 1.24, and is astronomical for larger molecules.
DESCRIPTORS = [function for name, function in Descriptors.descList if name not in ("Ipc", "AvgIpc")]
LARGEST = np.finfo(np.float32).max  # scikit-learn's forests take no more


@lru_cache(maxsize=None)
def features(smiles: str, radius: int, bits: int) -> np.ndarray:
    molecule = Chem.MolFromSmiles(smiles)
    counts = np.zeros(bits, np.float32)
    hashed = rdMolDescriptors.GetHashedMorganFingerprint(molecule, radius, nBits=bits)
    for bit, count in hashed.GetNonzeroElements().items():
        counts[bit] = count
    described = np.array([function(molecule) for function in DESCRIPTORS])
    clipped = np.clip(np.nan_to_num(described, nan=0.0), -LARGEST, LARGEST).astype(np.float32)
    return np.concatenate([counts, clipped])


def fitted(kind: str, task: str, settings: dict, seed: int, threads: int, x, y):
    parallel = {"n_jobs": threads or -1} if kind == "forest" else {}
    with threadpool_limits(1 if kind == "boosting" else None):  # so few rows that threads mostly wait for each other
        return ESTIMATORS[kind, task](**settings, random_state=seed, **parallel).fit(x, y)


def predicted(estimator, task: str, x) -> np.ndarray:
    return estimator.predict_proba(x)[:, 1] if task == "binary" else estimator.predict(x)


def run_forest(kind: str, recipe: dict, measured: MeasuredSet, split: Split, seed: int, threads: int) -> dict:
    """Validated after a fit on the training rows, tested after one on these and the validation rows."""
    task = measured.plan.task
    x = np.array([features(s, recipe["radius"], recipe["bits"]) for s in measured.smiles])
    found: dict[str, dict] = {"valid": {}, "test": {}}
    for number, target in enumerate(measured.plan.targets):
        y = measured.values[:, number]
        for part, rows, held in (("valid", split.train, split.valid), ("test", split.fitted, split.test)):
            columns = np.ptp(x[rows], axis=0) > 0  # of 2048 counts most are 0 in all molecules
            estimator = fitted(kind, task, recipe["settings"], seed, threads, x[rows][:, columns], y[rows])
            found[part][target.name] = scores(task, y[held], predicted(estimator, task, x[held][:, columns]))
    return found | {"rows": [len(split.train), len(split.valid), len(split.test)], "unpredicted": 0}
