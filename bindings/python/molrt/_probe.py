"""The probe: a model's predictions with keys of its attention dropped."""

import json
import operator
import os
from ctypes import byref
from typing import Any, Dict, Iterable, Optional, Tuple, Union

import numpy as np

from ._call import CacheArgument, Handle, ProgressArgument, c_text, choice, new_struct, read_text
from ._call import write_whole
from ._library import ProbeOptions, lib
from ._model import Model
from ._molecules import Columns, Coordinates, MolBlocks, Molecules, Smiles, Symbols, Work
from ._training import _target_matrix

ATTRIBUTIONS = {"both": 3, "gold": 1, "abs": 2}


def probe(model: Model, smiles: Optional[Smiles] = None, targets: Any = None, *,
          layers: Union[None, str, Iterable[int]] = None, rates: Optional[Iterable[float]] = None,
          attribution: str = "both", seed: int = 0,
          html: Union[None, str, "os.PathLike[str]"] = None, title: Optional[str] = None,
          symbols: Optional[Symbols] = None, coordinates: Optional[Coordinates] = None,
          mol_blocks: Optional[MolBlocks] = None, columns: Optional[Columns] = None,
          ladder: str = "default", conformer_seed: Optional[int] = None,
          conformers: Optional[int] = None, flat_conformer: bool = False, canonical: bool = False,
          time_limit: Optional[float] = None, conformer_cache: CacheArgument = None,
          max_atoms: Optional[int] = None, crop: bool = False,
          batch_size: Optional[int] = None, threads: Optional[int] = None,
          progress: ProgressArgument = None) -> Dict[str, Any]:
    """How good a model's predictions are when, in one layer at a time, each query of the attention does
    without a part of its keys: those of low attribution first, of high attribution first, or at random.

    targets: measured values in your own units, or 0 and 1, or class numbers, as for finetune(): [n] or
        [n, targets of the model], in its order; None or NaN where there is no value
    layers: numbers from 0, or "all"; default: all of up to 8, else the first, the middle and the last
    rates: parts of the keys, above 0 and below 1; default: .1, .2 ... .9
    attribution: what ranks the keys, by its gradient: "gold", minus the squared error (of classes minus
        the cross-entropy), which reads the targets; "abs", the output, by magnitude (of classes the
        predicted class's logit); "both"
    seed: of the random order
    html: a file to write, with pictures for people; title: its heading
    progress: see Model; the third stage, "probe", counts molecules times layers of the network. It
        costs some 30 passes of the network for each layer and network of the model
    The other options: see Model.

    Gives a dict: rows (total, used, without_target, failed), task, networks, passes (through a whole
    network, for each conformer), seed, metrics (names: "rmse" and "r2"; of classes "auroc" and
    "accuracy"), attributions, layers, rates, and targets, a list of dicts: name, unit, n, plain (each
    metric with all keys), and layers, a list of {"layer": 0, "random": curves, "gold": {"low": curves,
    "high": curves}, "abs": ...}, where curves has each metric as a list by rate; None: not defined.
    """
    if not isinstance(model, Model):
        raise TypeError(f"model is {model!r}: expected a molrt.Model, as load() gives")
    if targets is None:
        raise TypeError("probe() needs targets=...: the measured values")
    how, kept = _options(model, layers, rates, attribution, seed, title)
    work = Work(Molecules(smiles, symbols, coordinates, mol_blocks), columns=columns, ladder=ladder,
                conformer_seed=conformer_seed, conformers=conformers, flat_conformer=flat_conformer,
                canonical=canonical, time_limit=time_limit, conformer_cache=conformer_cache,
                max_atoms=max_atoms, crop=crop,
                batch_size=batch_size, threads=model._threads_of(threads), progress=progress)
    values = _target_matrix(targets, work.size)
    handle = Handle(lib.molrt_probe_free, lib.molrt_probe_run, work.context, model._handle, work.batch,
                    values.ctypes.data, values.shape[1], byref(work.options), byref(how),
                    progress=progress)
    del kept  # until here the options point into it
    if html is not None:
        write_whole(html, read_text(lib.molrt_probe_get_html, handle))
    report: Dict[str, Any] = json.loads(read_text(lib.molrt_probe_get_report, handle))
    return report


def _options(model: Model, layers: Union[None, str, Iterable[int]], rates: Optional[Iterable[float]],
             attribution: str, seed: int, title: Optional[str]) -> Tuple[Any, Any]:
    """The library's struct, and the arrays that it points into."""
    kept = [_layer_array(layers, model.info["layers"]),
            None if rates is None else np.array([float(rate) for rate in rates], np.float64)]
    addresses = [None if array is None else array.ctypes.data for array in kept]
    how = new_struct(ProbeOptions, layers=addresses[0], rates=addresses[1], seed=seed,
                     title=None if title is None else c_text(title))
    how.attributions = choice("attribution", attribution, ATTRIBUTIONS)
    how.layer_count, how.rate_count = (0 if array is None else array.size for array in kept)
    return how, kept


def _layer_array(layers: Union[None, str, Iterable[int]], count: int) -> Optional[np.ndarray]:
    if layers is None:
        return None
    if isinstance(layers, str) and layers != "all":
        raise ValueError(f"layers={layers!r}: expected numbers from 0, or \"all\"")
    numbers = [operator.index(layer) for layer in (range(count) if layers == "all" else layers)]
    if any(not 0 <= number < count for number in numbers):  # the rest would be wrapped silently
        raise ValueError(f"layers={numbers}: the model's layers are 0 to {count - 1}")
    return np.array(numbers, np.int32)
