"""molrt: molecule property models on plain CPUs.

    import molrt
    model = molrt.finetune("weights.pt", smiles=[...], targets=[...])
    model.save("solubility.molrt")
    print(molrt.load("solubility.molrt").predict(["CCO", "c1ccccc1"]).mean)

Calls release the GIL, and any number of threads may use one model. numpy arrays throughout.
"""

from ._call import ProgressArgument
from ._conformers import Conformers, conformers
from ._errors import DataError, Error, FileError, FormatError, InvalidArgumentError, OutOfMemoryError
from ._library import lib as _lib, text as _text
from ._model import Embedding, Model, Prediction, init, load
from ._molecules import Rows
from ._training import FineTunedModel, Setting, finetune, settings

__version__ = _text(_lib.molrt_version_text())


def build_info() -> str:
    """Versions of RDKit and oneDNN, and the instruction set in use."""
    return _text(_lib.molrt_build_info())


__all__ = ["Conformers", "DataError", "Embedding", "Error", "FileError", "FineTunedModel",
           "FormatError", "InvalidArgumentError", "Model", "OutOfMemoryError", "Prediction",
           "ProgressArgument", "Rows", "Setting", "build_info", "conformers", "finetune", "init",
           "load", "settings"]
