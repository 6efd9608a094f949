"""Training: settings, and a head fitted on measured values."""

import ctypes
import json
import logging
import operator
import os
from ctypes import byref
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np

from ._call import CacheArgument, Handle, ProgressArgument, c_text, read_text, run
from ._call import write_whole
from ._errors import DataError, Error
from ._library import lib
from ._model import Model, load
from ._molecules import Columns, Coordinates, MolBlocks, Molecules, Rows, Smiles, Symbols, Work, job_rows
from ._settings import Setting, SettingsTable

PART_TRAIN, PART_TEST, PART_NONE = -1, -2, -3  # of a split, as molrt.h has them


class FineTunedModel(Model):
    """A model from finetune(), with what training told.

    report: dict with the rows used and left out, the settings, each fold's sizes, epochs and metrics,
        and metrics of the held-out molecules beside those of always predicting the mean
    held_out: [n, outputs] float32, predictions for molecules by a fold that was not trained on them
        (of those of the test by all networks), of classes as probabilities; NaN for the others
    held_out_error, held_out_low, held_out_high: [n, outputs] float32, their error bars and 90 %
        intervals, by a calibration on the other half of the held-out molecules; NaN where there is none
    parts: [n] int32, the split that was used: PART_TRAIN, PART_TEST, PART_NONE (left out) or the
        fold, from 0, that held the molecule out; finetune(parts=...) takes it to have the same again
    rows: what happened to each molecule
    """

    report: Dict[str, Any]
    held_out: np.ndarray
    parts: np.ndarray
    held_out_error: np.ndarray
    held_out_low: np.ndarray
    held_out_high: np.ndarray
    rows: Rows
    _html: Union[str, Handle]  # the page, or until somebody asks for it the job that makes it

    def html(self) -> str:
        """The run as one self-contained page for people: metrics in words, learning curves, measured
        against predicted values, the worst molecules drawn, rows left out, settings, provenance."""
        if not isinstance(self._html, str):
            self._html = read_text(lib.molrt_job_get_html, self._html)
        return self._html

    def save_report(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes html() to a file: whole or not at all."""
        write_whole(path, self.html())

    def __reduce__(self) -> Any:
        self.html()  # a job cannot be pickled
        return super().__reduce__()


_SETTINGS = SettingsTable("finetune()", "molrt.settings()", lib.molrt_settings_count,
                          lib.molrt_settings_describe, lib.molrt_settings_create)


def settings() -> List[Setting]:
    """All settings of finetune(), with defaults, ranges and help."""
    return _SETTINGS.rows()


def finetune(weights: Union[Model, str, "os.PathLike[str]", bytes], smiles: Optional[Smiles] = None,
             targets: Any = None, target_names: Union[str, Sequence[str], None] = None, *,
             symbols: Optional[Symbols] = None, coordinates: Optional[Coordinates] = None,
             mol_blocks: Optional[MolBlocks] = None, columns: Optional[Columns] = None,
             ladder: str = "default", conformer_seed: Optional[int] = None,
             conformers: Optional[int] = None, flat_conformer: bool = False, canonical: bool = False,
             time_limit: Optional[float] = None, conformer_cache: CacheArgument = None,
             max_atoms: Optional[int] = None,
             crop: bool = False, threads: Optional[int] = None, progress: ProgressArgument = None,
             checkpoint: Union[None, str, "os.PathLike[str]"] = None, resume: bool = False,
             sample_weights: Any = None, groups: Any = None, parts: Any = None,
             units: Union[str, Sequence[str], None] = None,
             unlabelled: Optional[Smiles] = None, unlabelled_columns: Optional[Columns] = None,
             report_title: Optional[str] = None, **settings: Any) -> FineTunedModel:
    """Fits a model to measured values: a head over the frozen encoder of `weights`, or with
    freeze_prefix="none" the whole network. `weights` stay unchanged.

    weights: a model, or what load() takes
    smiles, or symbols and coordinates, or mol_blocks; ladder ... threads: see Model
    targets: [n] or [n, targets] in your own units; None or NaN where there is no value. With
        task="binary" or "multilabel" 0 and 1, with task="multiclass" class numbers 0, 1, 2 ...
    columns: numbers beside the molecules that the head reads too, such as {"temperature": values}, each
        [n] with None or NaN where there is none; predict() then needs them
    conformers: see Model; each epoch sees a random one, held-out molecules are predicted by the mean
    target_names: one str or [targets], all different; default: "target", or "target_1" ... A
        multiclass model's outputs are NAME_0, NAME_1 ...
    units: of the targets of a regression, such as "kcal/mol": one str or [targets]; stored in the model
    progress: see Model; there is a third stage, "training", which counts epochs, with the details
        fold, folds, epoch, epochs, train_loss, valid_loss, step, steps, valid_metric,
        metric_name, learning_rate, train_rows and held_out_rows (of the fold), part (of the run's
        work, 0 to 1), mc_pass and mc_passes (over the held-out molecules, for the error bars)
    checkpoint: a directory in which to keep what a killed run needs to be gone on with; it stays
        until you delete it. resume=True goes on with what is there, to the same result
    report_title: heading of the result's html(); default: made of target_names
    sample_weights: [n] of the molecules in the loss, 0 or more
    groups: [n] names; a group is held out whole (split="group", then the default)
    parts: [n], what holds each molecule out: "train", "valid" (the same as fold 0), "test", the number
        of a fold from 0, or PART_TRAIN, PART_TEST, PART_NONE (split="column", then the default)
    unlabelled: SMILES without values, such as those to be predicted, for R-Drop (rdrop_on=1): two
        passes over each are drawn together (rdrop_u_mode, then "joint" by default); made like `smiles`.
        unlabelled_columns: as `columns`, of these
    settings: how to train, such as epochs=50, head="linear", folds=5; settings() lists them all. Here
        batch_size is the molecules of an optimiser step, and seed is that of training

    Where the training is stopped, by Ctrl-C or an exception of `progress`, the exception's attribute
    `model` is the best model so far, or None.

    Molecules that fail are left out: see the result's `rows` and `report`.
    """
    handle = _SETTINGS.handle(settings)
    base = weights if isinstance(weights, Model) else load(weights, threads=threads)
    threads = base._threads_of(threads)
    work = Work(Molecules(smiles, symbols, coordinates, mol_blocks), ladder=ladder,
                columns=columns, conformer_seed=conformer_seed, conformers=conformers,
                flat_conformer=flat_conformer, canonical=canonical, time_limit=time_limit,
                conformer_cache=conformer_cache, max_atoms=max_atoms, crop=crop, threads=threads, progress=progress)
    values = _target_matrix(targets, work.size)
    job = Handle(lib.molrt_job_free, lib.molrt_job_create, work.context, base._handle, work.batch,
                 values.ctypes.data, values.shape[1], _names(target_names, values.shape[1]), handle)
    if report_title is not None:
        run(lib.molrt_job_set_title, job, c_text(report_title))
    _set_columns(job, work.size, sample_weights, groups, parts)
    for index, unit in enumerate(_units(units, values.shape[1])):
        run(lib.molrt_job_set_unit, job, index, unit)
    if unlabelled is not None:
        others = Work(Molecules(unlabelled), ladder=ladder, columns=unlabelled_columns,
                      conformer_seed=conformer_seed, conformers=conformers,
                      flat_conformer=flat_conformer, canonical=canonical, time_limit=time_limit,
                      threads=threads)
        run(lib.molrt_job_set_unlabelled, job, others.batch)
    elif unlabelled_columns is not None:
        raise ValueError("unlabelled_columns needs unlabelled=...: the molecules that they are of")
    if checkpoint is not None:
        run(lib.molrt_job_set_checkpoint, job, os.fsencode(checkpoint), int(resume))
    elif resume:
        raise ValueError("resume=True needs checkpoint=...: the directory to go on with")
    try:
        work.run(lib.molrt_job_run, job, byref(work.options))
    except Error:
        raise
    except BaseException as error:  # stopped
        error.model = _best_so_far(job, work.size, threads)  # type: ignore[attr-defined]
        raise
    return _result(job, work.size, threads)


def _best_so_far(job: Handle, rows: int, threads: Optional[int]) -> Optional[FineTunedModel]:
    try:
        return _result(job, rows, threads)
    except Error:
        return None


def _result(job: Handle, rows: int, threads: Optional[int]) -> FineTunedModel:
    model = FineTunedModel(Handle(lib.molrt_model_free, lib.molrt_job_get_model, job), threads)
    model.report = json.loads(read_text(lib.molrt_job_get_report, job))
    for warning in model.report["warnings"]:
        logging.getLogger("molrt").warning("%s", warning)
    model.held_out = np.empty((rows, model.info["outputs"]), np.float32)
    run(lib.molrt_job_get_held_out, job, model.held_out.ctypes.data, model.held_out.size)
    model.parts = np.empty(rows, np.int32)
    run(lib.molrt_job_get_parts, job, model.parts.ctypes.data, model.parts.size)
    errors = [np.empty_like(model.held_out) for _ in range(3)]
    run(lib.molrt_job_get_held_out_errors, job, *(e.ctypes.data for e in errors),
        model.held_out.size)
    model.held_out_error, model.held_out_low, model.held_out_high = errors
    model.rows = job_rows(job, rows)
    model._html = job
    return model


def _set_columns(job: Handle, rows: int, weights: Any, groups: Any, parts: Any) -> None:
    if weights is not None:
        array = np.ascontiguousarray(_column("sample_weights", weights, rows), dtype=np.float64)
        run(lib.molrt_job_set_weights, job, array.ctypes.data, len(array))
    if groups is not None:
        names = [c_text(_group(row, group)) for row, group in enumerate(_column("groups", groups, rows))]
        run(lib.molrt_job_set_groups, job, (ctypes.c_char_p * rows)(*names), rows)
    if parts is not None:
        array = np.array([_part(part) for part in _column("parts", parts, rows)], np.int32)
        run(lib.molrt_job_set_parts, job, array.ctypes.data, len(array))


def _column(name: str, values: Any, rows: int) -> List[Any]:
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    if len(listed) != rows:
        raise ValueError(f"{name} has {len(listed)} entries, but there are {rows} molecules")
    return listed


def _group(row: int, group: Any) -> str:
    if group is None or group != group:  # NaN
        raise ValueError(f"groups[{row}] is {group!r}: every molecule needs a group")
    return str(group)


def _part(part: Any) -> int:
    if not isinstance(part, str):
        try:
            return max(min(operator.index(part), 2**31 - 1), -2**31)  # the library says what it takes
        except TypeError:
            raise TypeError(f"parts: {part!r} is no word and no number of a fold") from None
    number = ctypes.c_int32()
    run(lib.molrt_part_of_word, c_text(part), byref(number))
    return number.value


def _target_matrix(targets: Any, rows: int) -> np.ndarray:
    if targets is None:
        raise TypeError("finetune() needs targets=...: the measured values")
    given = np.asarray(targets)
    if given.dtype.kind in "mMcV":
        raise TypeError(f"targets are {given.dtype}: expected numbers")
    try:
        values = np.ascontiguousarray(targets, dtype=np.float64)  # None becomes NaN
    except ValueError:
        _fail_at_text(targets)
        raise
    if values.ndim == 1:
        values = values.reshape(-1, 1)
    if values.ndim != 2:
        raise ValueError(f"targets has {values.ndim} dimensions: expected [n] or [n, targets]")
    if len(values) != rows:
        raise ValueError(f"targets has {len(values)} rows, but there are {rows} molecules")
    _check_magnitude(values)
    return values


def _fail_at_text(targets: Any) -> None:
    """Names the first target that is no number."""
    for (row, *_), value in np.ndenumerate(np.asarray(targets, dtype=object)):
        try:
            float("nan" if value is None else value)
        except (TypeError, ValueError):
            raise DataError(f"targets[{row}]: {value!r} is no number; classes are numbers from 0, a "
                            "missing value is NaN or None") from None


def _check_magnitude(values: np.ndarray) -> None:
    """Predictions are float32, and so can be no larger."""
    largest = np.finfo(np.float32).max
    for row, column in np.argwhere(np.abs(values) > largest)[:1]:
        raise DataError(f"targets[{row}]: column {column} is {values[row, column]}: expected at most "
                        f"{largest:.4g}, or NaN or None where there is no value")


def _names(names: Union[str, Sequence[str], None], count: int) -> Any:
    if names is None:
        return None
    listed = [names] if isinstance(names, str) else [str(name) for name in names]
    if len(listed) != count:
        raise ValueError(f"target_names has {len(listed)} names, but targets has {count} columns")
    repeated = sorted({name for name in listed if listed.count(name) > 1})
    if repeated:
        raise ValueError(f"target_names has {', '.join(map(repr, repeated))} more than once")
    return (ctypes.c_char_p * count)(*(c_text(name) for name in listed))


def _units(units: Union[str, Sequence[str], None], count: int) -> List[bytes]:
    if units is None:
        return []
    listed = [units] if isinstance(units, str) else [str(unit) for unit in units]
    if len(listed) != count:
        raise ValueError(f"units has {len(listed)} texts, but targets has {count} columns")
    return [c_text(unit) for unit in listed]
