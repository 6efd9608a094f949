"""Pre-training: encoders from molecules without measured values."""

import ctypes
import json
import logging
import os
from ctypes import byref
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Union

import numpy as np

from ._call import CacheArgument, Handle, ProgressArgument, c_text, new_run_options, new_struct
from ._call import path_text, read_text, run, run_long, write_whole
from ._errors import Error
from ._library import Added, lib
from ._model import Model, init, load
from ._molecules import Coordinates, MolBlocks, Molecules, Smiles, Symbols, Work
from ._settings import Setting, SettingsTable

Path = Union[str, "os.PathLike[str]"]

_SETTINGS = SettingsTable("pretrain()", "molrt.pretraining_settings()",
                          lib.molrt_pretraining_settings_count,
                          lib.molrt_pretraining_settings_describe,
                          lib.molrt_pretraining_settings_create)


class PretrainedModel(Model):
    """A model from pretrain(): an encoder to fine-tune, with the heads of pre-training, from which
    pretrain(start=...) goes on.

    report: dict with pretraining, a dict of steps, settings, molecules (training, held_out), sources (of
        each the molecules used, excluded and unusable) and targets (their mean and deviation in
        training); start, what is known of the start's training; and history, the points of the
        curves: step, lr, seconds, train and held_out, each with means of loss (the weighted sum),
        token, coordinate, distance, norm, pair_norm, supervised, token_accuracy, and coordinate_mae
        and distance_mae in Angstrom
    """

    report: Dict[str, Any]
    _html: Union[str, Handle]  # the page, or until somebody asks for it the run that makes it

    def html(self) -> str:
        """The run as one self-contained page for people, with the curves."""
        if not isinstance(self._html, str):
            self._html = read_text(lib.molrt_pretraining_get_html, self._html)
        return self._html

    def save_report(self, path: Path) -> None:
        """Writes html() to a file: whole or not at all."""
        write_whole(path, self.html())

    def __reduce__(self) -> Any:
        self.html()  # a run cannot be pickled
        return super().__reduce__()


def pretraining_settings() -> List[Setting]:
    """All settings of pretrain(), with defaults, ranges and help."""
    return _SETTINGS.rows()


def pretrain(archives: Union[Path, Iterable[Path]] = (), smiles: Optional[Smiles] = None, *,
             symbols: Optional[Symbols] = None, coordinates: Optional[Coordinates] = None,
             mol_blocks: Optional[MolBlocks] = None, labels: Optional[Mapping[str, Any]] = None,
             targets: Union[None, str, Sequence[str]] = None, exclude: Smiles = (),
             start: Union[None, Model, Path, bytes] = None, kernel: Optional[str] = None,
             layers: Optional[int] = None, width: Optional[int] = None, ffn: Optional[int] = None,
             heads: Optional[int] = None, hydrogens: Optional[str] = None,
             layout: Optional[str] = None, ladder: str = "default",
             conformer_seed: Optional[int] = None, conformers: Optional[int] = None,
             flat_conformer: bool = False, canonical: bool = False,
             time_limit: Optional[float] = None, conformer_cache: CacheArgument = None,
             threads: Optional[int] = None, progress: ProgressArgument = None,
             checkpoint: Optional[Path] = None, resume: bool = False,
             **settings: Any) -> PretrainedModel:
    """An encoder from molecules with geometries: it learns to find masked atoms' elements, coordinates
    and distances, and, with targets, to predict values that come with some of the molecules.

    archives: paths of NumPy archives (.npz) with natoms [molecules], Z [atoms] (atomic numbers), xyz
        [atoms, 3] in Angstrom or xyz_milli in .001 Angstrom, and, where there are, smiles [molecules]
        and an array [molecules] under each target's name, NaN where not known
    smiles, or symbols and coordinates (Angstrom), or mol_blocks: molecules beside those of the archives;
        ladder ... time_limit: see Model. Of several conformers each step sees a random one
    labels: values of the targets of these molecules, {target: [n]}, None or NaN where not known
    targets: names of what a supervised head learns, all different; default: those of `labels`
    exclude: SMILES of molecules that stay out, in all their stereoisomers, such as those to be tested
        on. Archives then need smiles; one that cannot be read is an Error
    start: a model, or what load() takes, to go on with; default: a new network of kernel ("gaussian",
        the default, or "linear"), layers, width, ffn and heads, as of init(), from the setting seed
    hydrogens, layout: as of load(), for a new network or a file
    progress: see Model; further stages are "reading", which counts an archive's molecules, and
        "pretraining", with the details step, steps, train_loss and valid_loss (weighted sums),
        learning_rate, train_rows, held_out_rows and part (of the steps, 0 to 1)
    checkpoint: a directory in which to keep what a killed run needs to be gone on with; it stays until
        you delete it. resume=True goes on with what is there, given the same molecules in the same
        order, to the same result
    settings: how to train, such as steps=5000, lr=6e-4; pretraining_settings() lists them all

    Where the run is stopped, by Ctrl-C or an exception of `progress`, the exception's attribute `model`
    is the model so far, or None.

    Errors: FileError and FormatError name the archive and its array; DataError for too few molecules
    or a target without values; InvalidArgumentError where resume=True finds another run. Molecules
    without a usable geometry are left out and counted: see the result's `report`.
    """
    handle = _SETTINGS.handle(settings)
    base = _start(start, dict(kernel=kernel, layers=layers, width=width, ffn=ffn, heads=heads),
                  hydrogens, layout, settings.get("seed", 0), threads)
    threads = base._threads_of(threads)
    names = _target_names(targets, labels)
    work = Work(_molecules(smiles, symbols, coordinates, mol_blocks, labels), ladder=ladder,
                conformer_seed=conformer_seed, conformers=conformers, flat_conformer=flat_conformer,
                canonical=canonical, time_limit=time_limit, conformer_cache=conformer_cache,
                threads=threads, progress=progress)
    values = _label_matrix(labels, names, work.size)
    texts = (ctypes.c_char_p * len(names))(*(c_text(name) for name in names))
    pretraining = Handle(lib.molrt_pretraining_free, lib.molrt_pretraining_create, work.context,
                         base._handle, handle, texts, len(names))
    for one in _listed("exclude", exclude):
        run(lib.molrt_pretraining_exclude, pretraining, c_text(one))
    options = new_run_options()
    _add(pretraining, _paths(archives), work, values, options, progress)
    _set_checkpoint(pretraining, checkpoint, resume)
    try:
        run_long(lib.molrt_pretraining_run, pretraining, byref(options), progress=progress)
    except Error:
        raise
    except BaseException as error:  # stopped
        error.model = _so_far(pretraining, threads)  # type: ignore[attr-defined]
        raise
    return _result(pretraining, threads)


def _start(start: Any, sizes: Dict[str, Any], hydrogens: Optional[str], layout: Optional[str],
           seed: int, threads: Optional[int]) -> Model:
    if start is None:
        kernel = sizes.pop("kernel") or "gaussian"
        return init(kernel, hydrogens=hydrogens, layout=layout, seed=seed, threads=threads, **sizes)
    own = dict(sizes, hydrogens=hydrogens, layout=layout) if isinstance(start, Model) else sizes
    given = [name for name, value in own.items() if value is not None]
    if given:
        raise ValueError(f"{given[0]}={own[given[0]]!r} is of a new network, and start has its own")
    if isinstance(start, Model):
        return start
    return load(start, hydrogens=hydrogens, layout=layout, threads=threads)


def _target_names(targets: Union[None, str, Sequence[str]],
                  labels: Optional[Mapping[str, Any]]) -> List[str]:
    if targets is None:
        return [str(name) for name in labels or ()]
    names = [targets] if isinstance(targets, str) else [str(name) for name in targets]
    unknown = [name for name in labels or () if name not in names]
    if unknown:
        raise ValueError(f"labels has {unknown[0]!r}, which is not in targets={names}")
    return names


def _molecules(smiles: Any, symbols: Any, coordinates: Any, mol_blocks: Any,
               labels: Optional[Mapping[str, Any]]) -> Molecules:
    if all(way is None for way in (smiles, symbols, coordinates, mol_blocks)):
        if labels:
            raise ValueError("labels needs smiles=..., or another way to give the molecules that they are of")
        return Molecules(smiles=())
    return Molecules(smiles, symbols, coordinates, mol_blocks)


def _label_matrix(labels: Optional[Mapping[str, Any]], names: List[str], rows: int) -> np.ndarray:
    values = np.full((rows, len(names)), np.nan, np.float32)
    for name, column in (labels or {}).items():
        try:
            with np.errstate(over="ignore"):  # the library names what is beyond float32
                numbers = np.asarray(column, dtype=np.float64).astype(np.float32)  # None becomes NaN
        except (TypeError, ValueError) as error:
            raise type(error)(f"labels[{name!r}]: {error}") from None
        if numbers.shape != (rows,):
            raise ValueError(f"labels[{name!r}] has shape {numbers.shape}, but there are {rows} "
                             f"molecules: expected ({rows},)")
        values[:, names.index(name)] = numbers
    return values


def _listed(argument: str, values: Smiles) -> List[str]:
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{argument} is a single text, {values!r}: pass a list, [{values!r}]")
    listed = list(values)
    for row, value in enumerate(listed):
        if not isinstance(value, str):
            raise TypeError(f"{argument}[{row}] is {value!r}, a {type(value).__name__}: expected a str")
    return listed  # type: ignore[return-value]


def _paths(archives: Union[Path, Iterable[Path]]) -> List[Path]:
    return [archives] if isinstance(archives, (str, os.PathLike)) else list(archives)


def _add(pretraining: Handle, archives: List[Path], work: Work, values: np.ndarray, options: Any,
         progress: ProgressArgument) -> None:
    for path in archives:
        added = new_struct(Added)
        run_long(lib.molrt_pretraining_add_archive, pretraining, path_text(path), byref(options),
                 byref(added), progress=progress)
        _warn(os.fspath(path), added)
    if work.size:
        added = new_struct(Added)
        work.run(lib.molrt_batch_compute_conformers, work.context, work.batch, byref(work.options))
        run(lib.molrt_pretraining_add_batch, pretraining, work.batch, values.ctypes.data, values.size,
            byref(added))
        _warn("the molecules", added)


def _warn(source: str, added: Any) -> None:
    if added.unusable:
        logging.getLogger("molrt").warning("%s: %d of %d without a usable geometry", source,
                                           added.unusable,
                                           added.used + added.excluded + added.unusable)


def _set_checkpoint(pretraining: Handle, checkpoint: Optional[Path], resume: bool) -> None:
    if checkpoint is not None:
        run(lib.molrt_pretraining_set_checkpoint, pretraining, path_text(checkpoint), int(resume))
    elif resume:
        raise ValueError("resume=True needs checkpoint=...: the directory to go on with")


def _so_far(pretraining: Handle, threads: Optional[int]) -> Optional[PretrainedModel]:
    try:
        return _result(pretraining, threads)
    except Error:
        return None


def _result(pretraining: Handle, threads: Optional[int]) -> PretrainedModel:
    model = PretrainedModel(Handle(lib.molrt_model_free, lib.molrt_pretraining_get_model, pretraining),
                            threads)
    model.report = json.loads(read_text(lib.molrt_pretraining_get_report, pretraining))
    model._html = pretraining
    return model
