"""molrt: molecule property models on plain CPUs.

    import molrt
    model = molrt.finetune("molecule", smiles=[...], targets=[...])
    model.save("solubility.molrt")
    print(molrt.load("solubility.molrt").predict(["CCO", "c1ccccc1"]).mean)

load() opens weights: Uni-Mol checkpoints and molrt's own files. Model.predict() and Model.embed() take
molecules, as do predict() with several models at once and finetune(), which fits a model to measured
values; pretrain() makes encoders from molecules without any; probe() shows which of its attention a
model lives by; conformers() needs no model.
A molecule that fails is no exception: its numbers are NaN, and the result's `ok`, `status`, `flags` and
`messages` tell what happened (see Rows). Calls that fail raise an Error, or a plain TypeError or
ValueError for wrong arguments. Arrays are numpy's.

Calls release the GIL, and any number of threads may use one model. Assumptions that you may want to
override, such as whether raw weights read hydrogens, and arguments that contradict what a file says go
to the logger "molrt" as warnings.
official_weights() tells where Uni-Mol's own weights are, verify_weights() whether a download is whole.
"""

from ._call import ProgressArgument
from ._conformers import Conformers, conformers
from ._errors import DataError, Error, FileError, FormatError, InvalidArgumentError, OutOfMemoryError
from ._library import lib as _lib, text as _text
from ._model import Embedding, Model, Prediction, init, load, official_weights, predict, verify_weights
from ._molecules import Rows
from ._pretraining import PretrainedModel, pretrain, pretraining_settings
from ._probe import probe
from ._settings import Setting
from ._training import PART_NONE, PART_TEST, PART_TRAIN, FineTunedModel, finetune, settings

__version__ = _text(_lib.molrt_version_text())


def build_info() -> str:
    """Versions of RDKit and oneDNN, and the instruction set in use."""
    return _text(_lib.molrt_build_info())


__all__ = ["Conformers", "DataError", "Embedding", "Error", "FileError", "FineTunedModel",
           "FormatError", "InvalidArgumentError", "Model", "OutOfMemoryError", "PART_NONE", "PART_TEST",
           "PART_TRAIN", "Prediction", "PretrainedModel", "ProgressArgument", "Rows", "Setting",
           "build_info", "conformers", "finetune", "init", "load", "official_weights", "predict",
           "pretrain", "pretraining_settings", "probe", "settings", "verify_weights"]
