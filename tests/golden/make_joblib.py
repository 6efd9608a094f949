"""Writes data/joblib: small files of joblib and scikit-learn in the forms that unimol_tools' users may
have, for tests/unit/io/joblib_test.cpp. Run by hand (Debian: python3-sklearn, python3-joblib)."""
import pickle
from pathlib import Path

import joblib
import numpy as np
from sklearn.preprocessing import (FunctionTransformer, Normalizer, PowerTransformer,
                                   QuantileTransformer, StandardScaler)

folder = Path(__file__).parent / "data" / "joblib"
folder.mkdir(exist_ok=True)
grid = np.arange(6.0).reshape(2, 3)
y = np.exp(np.random.RandomState(0).randn(30, 1)).astype(np.float32)


def dump(name, value, **options):
    joblib.dump(value, folder / name, **options)


dump("arrays", {"c": grid, "fortran": np.asfortranarray(grid), "f4": grid.astype("f4"),
                "i4": grid.astype("i4"), "i8": grid.astype("i8"), "empty": grid[:0],
                "number": np.float64(1.5), "integer": np.int64(-7), "float": 2.5, "text": "no"})
dump("protocol2", [grid], protocol=2)
(folder / "plain").write_bytes(pickle.dumps({"c": grid, "fortran": np.asfortranarray(grid)}, 4))
(folder / "plain2").write_bytes(  # with bytes from 0x80 on
    pickle.dumps({"c": grid - 200, "fortran": np.asfortranarray(grid)}, 2))
dump("objects", np.array(["a", None], dtype=object))
dump("big_endian", grid.astype(">f8"))
dump("half", grid.astype("f2"))
dump("compressed", grid, compress=3)
dump("normalizer", Normalizer().fit(y))
dump("sqrt", FunctionTransformer(np.sqrt, np.square).fit(y))
dump("estimators", [PowerTransformer("box-cox", standardize=False).fit(y),
                    QuantileTransformer(n_quantiles=5, output_distribution="normal").fit(y),
                    StandardScaler(with_mean=False).fit(y)])
dump("two_features", StandardScaler().fit(np.hstack([y, 3 * y + 1])))
dump("dictionary", {"scaler": 1})
