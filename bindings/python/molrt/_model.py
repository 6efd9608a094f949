"""Models: weights that embed and predict molecules."""

import itertools
import json
import os
import tempfile
from ctypes import byref, c_double, c_int32
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple, Type, Union

import numpy as np

from ._call import CacheArgument, Handle, ProgressArgument, c_text, choice, new_context, new_struct
from ._call import path_text, read_text, run, run_long
from ._errors import FormatError, InvalidArgumentError
from ._library import Architecture, ModelInfo, OpenOptions, SaveOptions, UncertainOptions
from ._library import UncertainResult, lib, text
from ._molecules import Columns, Coordinates, MolBlocks, Molecules, Rows, Smiles, Symbols, Work

HYDROGENS = {"auto": 0, "all": 1, "none": 2}
LAYOUTS = {"auto": 0, "file_order": 1, "specials_first": 2}
KERNELS = {"gaussian": 1, "linear": 2}
HEADS = {"none": 0, "linear": 1, "pooled": 2}
TASKS = {"none": 0, "regression": 1, "binary": 2, "multiclass": 3, "multilabel": 4}
MODES = {"auto": 0, "det": 1, "mc": 2}
CALIBRATIONS = {"none": 0, "affine": 1, "conformal": 2}
DTYPES = {"keep": 0, "f32": 1, "f16": 2, "bf16": 3}


_OF_HANDLE = ("_handle", "_threads", "_info")  # what Model.__init__() sets


@dataclass(frozen=True)
class Embedding(Rows):
    """The status of each molecule (see Rows), and its representations.

    cls: [n, width] float32, the molecule's, from the token [CLS]; NaN where there is no result
    atoms: for each molecule [n_i, width] float32, one row for each atom that the model reads;
        [0, width] where there is no result; None after embed(atoms=False)
    atom_index: for each molecule [n_i] int32: each atom's index in the SMILES or the given atoms, -1
        for added hydrogens
    """

    cls: np.ndarray
    atoms: Optional[List[np.ndarray]]
    atom_index: List[np.ndarray]


@dataclass(frozen=True)
class Prediction(Rows):
    """The status of each molecule (see Rows), and predictions in the units of the training targets,
    or probabilities of classes.

    mean: [n, outputs] float32, the mean over the model's folds, and with mode "mc" over the passes with
        dropout; NaN where there is no result
    std: [n, outputs] float32, the folds' sample standard deviation; NaN if the model has one fold
    error: [n, outputs] float32, error bars: one standard deviation, calibrated on the rows that were
        held out in training; NaN where the model has no calibration, and for classes
    low, high: [n, outputs] float32, intervals that hold a part `level` of new values, if these are like
        the held-out ones; NaN likewise, and where those are too few for the level
    spread: [n, outputs] float32, raw: over folds and passes; NaN with one fold and without passes
    gap: [n, outputs] float32, what the passes' mean differs from `deterministic`, the prediction
        without dropout; NaN without passes
    deterministic: [n, outputs] float32, as predict(mode="det") gives
    entropy, mutual_information: [n, outputs] float32 of classes, in nats: of the mean probabilities,
        and what of it folds and passes disagree about; NaN for a regression
    mode: "det" or "mc": how was predicted
    level: of low and high
    units: [outputs] str of the targets, "" where not known
    target_names: [outputs] str, of the columns
    atom_index: as of Embedding
    task: "regression"; "binary", whose one output is the probability of class 1; "multiclass", with
        an output for each class; "multilabel", with a probability for each target
    labels: of "binary" and "multilabel" [n, outputs] int32, 1 above the output's threshold (.5 where
        the model stores none); of "multiclass" [n] int32, the most probable class; -1 where there is no
        result; None for a regression
    """

    mean: np.ndarray
    std: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    spread: np.ndarray
    gap: np.ndarray
    deterministic: np.ndarray
    entropy: np.ndarray
    mutual_information: np.ndarray
    mode: str
    level: float
    units: List[str]
    target_names: List[str]
    atom_index: List[np.ndarray]
    task: str
    labels: Optional[np.ndarray]


class Model:
    """Weights, immutable: any number of threads may use one model at the same time.

    Made by load(), init() and finetune(). Can be pickled and copied, as multiprocessing and joblib do.
    The options that embed() and predict() share:

    smiles: SMILES, any iterable of str; None and NaN count as empty. Or:
    mol_blocks: MOL blocks (V2000, V3000), likewise; what follows "M  END" does not count. A structure
        gives its own coordinates and hydrogens; those that it lacks are added (flag
        "hydrogens_added"). A drawing gets conformers as its SMILES would. Or, both of:
    symbols: for each molecule its elements, as symbols or atomic numbers. Symbols are case-sensitive:
        "Cl", not "CL"; "D" and "T" are hydrogen. A text that is no symbol, such as "*", or 0 is read
        as an unknown element (flag "unknown_element")
    coordinates: for each molecule an [atoms, 3] array in Angstrom. No hydrogens are added. A model
        without hydrogens (info["hydrogens"] == "none") leaves given ones out (flag
        "hydrogens_removed"); load(..., hydrogens="all") keeps them
    columns: of a model that reads numbers beside the molecules (column_names), those numbers, as
        {"temperature": values}, each [n]; None or NaN counts as the mean in training (flag
        "input_missing"). Columns that the model does not read do not matter
    ladder: how conformers are made, each step where the one before failed. "default": RDKit's ETKDG,
        again from random coordinates, a flat drawing; "peer", as unimol_tools: ETKDG, a flat drawing
    conformer_seed: RDKit's random seed, from 0 (default: 42)
    conformers: how many for each molecule (default: 1), with seeds from conformer_seed on; results are
        means over them. As Uni-Mol's authors: conformers=11, flat_conformer=True, conformer_seed=0.
        Given coordinates are one conformer
    flat_conformer: the last of the conformers is the flat drawing
    canonical: make each SMILES canonical first, so that a molecule has one answer whatever its text
    time_limit: seconds for an attempt at one conformer (default: 60); 0: none
    conformer_cache: path of a file that keeps conformers for later calls, the same results without the
        time; any number of processes may share it, the command's too (conformers.sqlite in
        $XDG_CACHE_HOME/molrt or ~/.cache/molrt). Or (path, bytes): its limit, else 1 GiB; what was used
        longest ago goes first. One that cannot be used is a warning of the logger, never a failure
    max_atoms: the limit for this call; default: the model's own, info["max_atoms"]. Larger molecules
        fail with status "too_large"
    crop: leave atoms beyond the limit out instead
    batch_size: most molecules in one pass through the network, to 1048576; default 0: as many as are
        quickest. Results do not depend on it
    precision: of the network's linear layers: "f32" (default); "bf16": operands rounded to bfloat16,
        faster and less exact; "split": as sums of two bfloat16, nearly as exact as "f32", which pays
        on CPUs with AMX only. Both need AVX-512
    threads: default: what the model was loaded with; 0: all cores
    progress: True for a line on the terminal, or a function that is called as
        progress(stage, done, total, **details), with stage "conformers", "descriptors" or "network"; what
        it raises stops the call and reaches the caller

    A molecule without a result is never an exception: see Rows.status.
    """

    def __init__(self, handle: Handle, threads: Optional[int]):
        self._handle = handle
        self._threads = threads
        self._info = new_struct(ModelInfo)
        run(lib.molrt_model_get_info, handle, byref(self._info))

    @property
    def width(self) -> int:
        """Length of a representation."""
        return self._info.width

    @property
    def target_names(self) -> List[str]:
        """Names of the outputs; empty without a head."""
        return [text(lib.molrt_model_target_name(self._handle, i)) for i in range(self._info.outputs)]

    @property
    def units(self) -> List[str]:
        """[outputs]: units of the targets, "" where not known."""
        return [text(lib.molrt_model_target_unit(self._handle, i)) for i in range(self._info.outputs)]

    @property
    def info(self) -> Dict[str, Any]:
        """Sizes and conventions: "kernel", "width", "hydrogens", "task", "head", "folds" ..."""
        names = {"kernel": KERNELS, "hydrogens": HYDROGENS, "layout": LAYOUTS, "head": HEADS,
                 "task": TASKS, "mode": MODES, "calibration": CALIBRATIONS}
        info = {}
        for field, _ in self._info._fields_[1:]:
            value = getattr(self._info, field)
            info[field] = _name_of(names[field], value) if field in names else value
        return info

    @property
    def thresholds(self) -> np.ndarray:
        """[outputs]: the probabilities above which an output is class 1; NaN where none is stored."""
        values = [c_double() for _ in range(self._info.outputs)]
        for i, value in enumerate(values):
            run(lib.molrt_model_get_threshold, self._handle, i, byref(value))
        return np.array([value.value for value in values])

    def describe(self) -> Dict[str, Any]:
        """Everything known of the model: dictionary, settings, provenance, supported elements ..."""
        return json.loads(read_text(lib.molrt_model_describe, self._handle))

    @property
    def column_names(self) -> List[str]:
        """Names of the columns that predict(columns=...) needs; mostly empty."""
        names = (lib.molrt_model_column_name(self._handle, i) for i in itertools.count())
        return [text(name) for name in itertools.takewhile(lambda name: name is not None, names)]

    def supports_element(self, symbol: str) -> bool:
        """Whether the element ("Cl") is in the model's dictionary; others are read as unknown."""
        supported = c_int32()
        run(lib.molrt_model_supports_element, self._handle, c_text(symbol), byref(supported))
        return bool(supported.value)

    def embed(self, smiles: Optional[Smiles] = None, *, symbols: Optional[Symbols] = None,
              coordinates: Optional[Coordinates] = None,
              mol_blocks: Optional[MolBlocks] = None, atoms: bool = True,
              ladder: str = "default", conformer_seed: Optional[int] = None,
              conformers: Optional[int] = None, flat_conformer: bool = False,
              canonical: bool = False, time_limit: Optional[float] = None,
              conformer_cache: CacheArgument = None, max_atoms: Optional[int] = None,
              crop: bool = False, batch_size: Optional[int] = None,
              precision: Optional[str] = None, threads: Optional[int] = None,
              progress: ProgressArgument = None) -> Embedding:
        """Representations of molecules; atoms=False leaves out those of atoms, to save memory.

        The other options are those of Model.
        """
        work = Work(Molecules(smiles, symbols, coordinates, mol_blocks), ladder=ladder,
                    conformer_seed=conformer_seed, conformers=conformers,
                    flat_conformer=flat_conformer, canonical=canonical, time_limit=time_limit,
                    conformer_cache=conformer_cache, max_atoms=max_atoms, crop=crop,
                    batch_size=batch_size, precision=precision,
                    threads=self._threads_of(threads), progress=progress)
        work.run(lib.molrt_batch_prepare, work.context, self._handle, work.batch,
                 byref(work.options))
        counts = [row.model_atoms if row.status == 0 else 0 for row in work.raw_rows()]
        cls = np.empty((work.size, self.width), np.float32)
        every_atom = np.empty((sum(counts) if atoms else 0, self.width), np.float32)
        work.run(lib.molrt_embed, work.context, self._handle, work.batch, byref(work.options),
                 cls.ctypes.data, cls.size, every_atom.ctypes.data if atoms else None,
                 every_atom.size)
        rows = work.rows()
        return Embedding(**vars(rows), cls=cls,
                         atoms=_split(every_atom, counts, rows.ok) if atoms else None,
                         atom_index=work.atom_index(np.where(rows.ok, counts, 0)))

    def predict(self, smiles: Optional[Smiles] = None, *, symbols: Optional[Symbols] = None,
                coordinates: Optional[Coordinates] = None, mol_blocks: Optional[MolBlocks] = None,
                columns: Optional[Columns] = None, ladder: str = "default", conformer_seed: Optional[int] = None,
                conformers: Optional[int] = None, flat_conformer: bool = False,
                canonical: bool = False, time_limit: Optional[float] = None,
                conformer_cache: CacheArgument = None,
                max_atoms: Optional[int] = None, crop: bool = False,
                batch_size: Optional[int] = None, precision: Optional[str] = None,
                threads: Optional[int] = None,
                progress: ProgressArgument = None, mode: str = "auto",
                samples: Optional[int] = None, level: Optional[float] = None) -> Prediction:
        """Predictions for molecules; an Error if the model has no head.

        mode: "det": without dropout; "mc": the mean of many passes with the dropout of training, which
            costs so many times as much where the encoder was trained with it; "auto": as the model says
        samples: passes of "mc", 2 to 10000; default: as the model says
        level: of the intervals low ... high; default: .9
        The other options: see Model.
        """
        return predict([self], smiles, symbols=symbols, coordinates=coordinates,
                       mol_blocks=mol_blocks, columns=columns, ladder=ladder,
                       conformer_seed=conformer_seed,
                       conformers=conformers, flat_conformer=flat_conformer, canonical=canonical,
                       time_limit=time_limit, conformer_cache=conformer_cache,
                       max_atoms=max_atoms, crop=crop, batch_size=batch_size, precision=precision,
                       threads=threads, progress=progress, mode=mode,
                       samples=samples, level=level)[0]

    def _predict(self, work: Work, how: Any) -> Prediction:
        shape = (work.size, self._info.outputs)
        arrays = {name: np.empty(shape, np.float32) for name, _ in UncertainResult._fields_[2:]}
        result = new_struct(UncertainResult, **{n: a.ctypes.data for n, a in arrays.items()})
        work.run(lib.molrt_predict_uncertain, work.context, self._handle, work.batch,
                 byref(work.options), byref(how), byref(result), shape[0] * shape[1])
        rows, raw = work.rows(), work.raw_rows()
        mean = arrays.pop("value")
        return Prediction(**vars(rows), mean=mean, **arrays, mode=_name_of(MODES, result.mode),
                          level=how.level, units=self.units, target_names=self.target_names,
                          atom_index=work.atom_index([0 if r.status else r.model_atoms for r in raw]),
                          task=self.info["task"], labels=self._labels(mean))

    def save(self, path: Union[str, "os.PathLike[str]"], dtype: Optional[str] = None) -> None:
        """Writes molrt's own file, whole or not at all, over one that is there.

        dtype: how weights are stored: "f32", "f16", "bf16" or "keep" (default), as they were read
        """
        options = new_struct(SaveOptions, dtype=choice("dtype", dtype, DTYPES))
        run_long(lib.molrt_model_save, new_context(self._threads), self._handle, path_text(path),
                 byref(options))

    def __repr__(self) -> str:
        i = self.info
        return (f"<molrt.{type(self).__name__}: {i['kernel']} kernel, {i['layers']} layers, "
                f"width {i['width']}, targets {self.target_names}>")

    def __reduce__(self) -> Tuple[Any, ...]:
        """By the bytes of save(), so that other processes can have the model, and copies too."""
        with tempfile.TemporaryDirectory(prefix="molrt-") as folder:
            path = Path(folder) / "model.molrt"
            self.save(path)
            contents = path.read_bytes()
        others = {name: value for name, value in vars(self).items() if name not in _OF_HANDLE}
        return _reopen, (type(self), contents, self._threads), others

    def _labels(self, mean: np.ndarray) -> Optional[np.ndarray]:
        task, missing = self.info["task"], np.isnan(mean)
        if task in ("none", "regression"):
            return None
        if task == "multiclass":
            best = np.argmax(np.where(missing, -1, mean), axis=1).astype(np.int32)
            return np.where(missing.any(axis=1), np.int32(-1), best)
        limits = np.where(np.isnan(self.thresholds), 0.5, self.thresholds)
        return np.where(missing, -1, mean > limits).astype(np.int32)

    def _threads_of(self, threads: Optional[int]) -> Optional[int]:
        return self._threads if threads is None else threads


def predict(models: Iterable[Model], smiles: Optional[Smiles] = None, *,
            symbols: Optional[Symbols] = None, coordinates: Optional[Coordinates] = None,
            mol_blocks: Optional[MolBlocks] = None, columns: Optional[Columns] = None,
            ladder: str = "default",
            conformer_seed: Optional[int] = None, conformers: Optional[int] = None,
            flat_conformer: bool = False, canonical: bool = False,
            time_limit: Optional[float] = None, conformer_cache: CacheArgument = None,
            max_atoms: Optional[int] = None, crop: bool = False,
            batch_size: Optional[int] = None, precision: Optional[str] = None,
            threads: Optional[int] = None,
            progress: ProgressArgument = None, mode: str = "auto", samples: Optional[int] = None,
            level: Optional[float] = None) -> List[Prediction]:
    """One Prediction for each of several models, of the same conformers, which are made once.

    threads: default: what the first model was loaded with
    mode, samples, level: see Model.predict(). The other options: see Model.
    """
    how = new_struct(UncertainOptions, mode=choice("mode", mode, MODES), samples=samples, level=level)
    models = list(models)
    for model in models:
        if not isinstance(model, Model):
            raise TypeError(f"models holds {model!r}: expected molrt.Model objects, as load() gives")
    work = Work(Molecules(smiles, symbols, coordinates, mol_blocks), columns=columns, ladder=ladder,
                conformer_seed=conformer_seed, conformers=conformers,
                flat_conformer=flat_conformer, canonical=canonical, time_limit=time_limit,
                conformer_cache=conformer_cache, max_atoms=max_atoms, crop=crop,
                batch_size=batch_size, precision=precision,
                threads=models[0]._threads_of(threads) if models else threads, progress=progress)
    return [model._predict(work, how) for model in models]


def load(path: Union[str, "os.PathLike[str]", bytes, bytearray, memoryview], *,
         hydrogens: Optional[str] = None, layout: Optional[str] = None,
         dictionary: Union[str, "os.PathLike[str]", None] = None, max_atoms: Optional[int] = None,
         fold: Optional[int] = None, threads: Optional[int] = None) -> Model:
    """Opens weights: molrt's own file or any Uni-Mol checkpoint, by path or as bytes of such a file,
    or a directory saved by unimol_tools; "molecule" or "oled": the models that come with molrt.

    What is given here wins over what the file says or, where it says nothing, over what is assumed:
    hydrogens: "all" if the weights were trained on molecules with hydrogens, "none" if without
    layout: the ids of the special tokens: "file_order", as the official weights were trained, or
        "specials_first", as unimol_tools 0.1.5 and later number them
    dictionary: path of a dict.txt, the elements that the weights know; default: the official one of
        the vocabulary's size, else a *.dict.txt beside the file
    max_atoms: default limit of the model's calls
    fold: one network of a k-fold model alone, from 0; default: all. embed() and finetune() need it
        where the folds' encoders differ (info["encoders"] > 1)
    threads: default of the model's calls; None or 0: all cores
    """
    if fold is not None and fold < 0:
        raise InvalidArgumentError(f"fold={fold}: expected one from 0 on, or None for all")
    options = new_struct(OpenOptions, hydrogens=choice("hydrogens", hydrogens, HYDROGENS),
                         layout=choice("layout", layout, LAYOUTS), max_atoms=max_atoms,
                         fold=fold, dictionary_path=None if dictionary is None else path_text(dictionary))
    return Model(_open(path, options, threads), threads)


def official_weights() -> List[Dict[str, Any]]:
    """Uni-Mol's own weight files, which users download themselves: "name", "bytes" (give or take
    "bytes_margin"), "sha256" (None: not known), "hydrogens", "dictionary", "layout", "homes" ..."""
    return json.loads(read_text(lib.molrt_official_weights_describe))


def verify_weights(path: Union[str, "os.PathLike[str]"]) -> Dict[str, Any]:
    """Which of official_weights() a file is: "official" (its name, or None), "verified" (by its
    "sha256"; else by name and size). FormatError for a file that bears the name of one but has not its
    size or sha256, such as a download that was cut off; load() opens it with a warning."""
    return json.loads(read_text(lib.molrt_official_weights_verify, path_text(path)))


def _open(path: Any, options: Any, threads: Optional[int]) -> Handle:
    context = new_context(threads)
    if isinstance(path, (bytes, bytearray, memoryview)):
        data = np.frombuffer(path, np.uint8)
        if not data.size:
            raise FormatError("the bytes of the weights are empty")
        source: Tuple[Any, ...] = (lib.molrt_model_open_memory, context, data.ctypes.data, data.size)
    else:
        source = (lib.molrt_model_open, context, path_text(path))
    return Handle(lib.molrt_model_free, *source, byref(options))


def _reopen(kind: Type["Model"], contents: bytes, threads: Optional[int]) -> "Model":
    """A pickled model."""
    return kind(_open(contents, new_struct(OpenOptions), threads), threads)


def init(kernel: str = "gaussian", *, layers: Optional[int] = None, width: Optional[int] = None,
         ffn: Optional[int] = None, heads: Optional[int] = None, hydrogens: Optional[str] = None,
         layout: Optional[str] = None, seed: int = 0, threads: Optional[int] = None) -> Model:
    """An untrained model, for tests: kernel "gaussian" (Uni-Mol's molecules) or "linear" (OLED).

    Sizes default to the official ones of the kernel. The same seed and sizes give the same weights.
    hydrogens, layout, threads: as of load()
    """
    architecture = new_struct(Architecture, kernel=choice("kernel", kernel, KERNELS), layers=layers,
                              width=width, ffn=ffn, heads=heads, seed=seed,
                              hydrogens=choice("hydrogens", hydrogens, HYDROGENS),
                              layout=choice("layout", layout, LAYOUTS))
    handle = Handle(lib.molrt_model_free, lib.molrt_model_create_untrained, new_context(threads),
                    byref(architecture))
    return Model(handle, threads)


def _split(rows: np.ndarray, counts: List[int], ok: np.ndarray) -> List[np.ndarray]:
    parts = np.split(rows, np.cumsum(counts)[:-1]) if counts else []
    return [part if good else part[:0] for part, good in zip(parts, ok)]


def _name_of(names: Dict[str, int], number: int) -> str:
    return next((name for name, n in names.items() if n == number), str(number))
