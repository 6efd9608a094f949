"""Molecules in, rows out: what every call on molecules shares."""

import ctypes
import numbers
from ctypes import byref
from dataclasses import dataclass
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ._call import CacheArgument, Handle, ProgressArgument, c_text, check_progress, choice
from ._call import new_context, new_run_options, new_struct, run, run_long, use_conformer_cache
from ._elements import symbol_of
from ._library import ConformerOptions, Row, lib, text

LADDERS = {"default": 0, "peer": 1}
PRECISIONS = {"f32": 1, "split": 2, "bf16": 3}

Smiles = Iterable[Optional[str]]
MolBlocks = Iterable[Optional[str]]
Symbols = Iterable[Sequence[Union[str, int]]]
Coordinates = Iterable[Any]
Columns = Mapping[str, Any]


@dataclass(frozen=True)
class Rows:
    """What happened to each molecule, in the order given.

    status: [n] str. Where there is a result, where its coordinates came from: "given"; "etkdg_mmff",
        RDKit's ETKDG and MMFF94; "etkdg", where MMFF94 has no parameters; "2d", a flat drawing,
        because 3D failed; the worst of several conformers'. Else why there is none: "empty",
        "invalid_smiles", "invalid_mol_block", "no_atoms" (hydrogens only, for a model without),
        "too_large", "no_conformer", "timeout", "bad_coordinates", "non_finite" (of the network's
        output), "no_descriptors" (for a head that reads RDKit's: atoms without bonds), "out_of_memory",
        "internal"
    ok: [n] bool; False where there is no result
    flags: for each molecule a tuple of "unknown_element" (at least one that the model does not know),
        "hydrogens_removed" (given ones, for a model without), "hydrogens_added" (to a structure of a
        MOL block), "retried" (embedded from random coordinates), "cropped" (to max_atoms, as asked),
        "fewer_conformers" (a mean over fewer than asked for: the others failed), "input_missing" (a
        column or descriptor that the head reads: its mean in training was taken); mostly ()
    messages: for each molecule what went wrong, or ""
    conformers: [n] int32, how many each result is the mean of; 0 where there is none
    """

    status: np.ndarray
    ok: np.ndarray
    flags: List[Tuple[str, ...]]
    messages: List[str]
    conformers: np.ndarray

    def __len__(self) -> int:
        return len(self.status)


@dataclass(frozen=True)
class Molecules:
    """The molecules of one call, in one of the ways to give them."""

    smiles: Optional[Smiles] = None
    symbols: Optional[Symbols] = None
    coordinates: Optional[Coordinates] = None
    mol_blocks: Optional[MolBlocks] = None

    def add_to(self, batch: Handle) -> None:
        ways = [self.smiles, self.symbols, self.mol_blocks]
        if sum(way is not None for way in ways) != 1 or \
                (self.symbols is None) != (self.coordinates is None):
            raise TypeError("pass either smiles=..., or mol_blocks=..., or symbols=... together with "
                            "coordinates=...")
        if self.symbols is not None:
            _add_structures(batch, _molecules("symbols", self.symbols),
                            _molecules("coordinates", self.coordinates))
            return
        name, add = ("smiles", lib.molrt_batch_add_smiles) if self.smiles is not None else \
            ("mol_blocks", lib.molrt_batch_add_mol_block)
        for row, one in enumerate(_molecules(name, getattr(self, name))):
            run(add, batch, _molecule_text(name, row, one))


class Work:
    """A batch of molecules with the context and options of one call."""

    def __init__(self, molecules: Molecules, *, columns: Optional[Columns] = None,
                 ladder: str = "default",
                 conformer_seed: Optional[int] = None, conformers: Optional[int] = None,
                 flat_conformer: bool = False, canonical: bool = False,
                 conformer_max_atoms: Optional[int] = None,
                 time_limit: Optional[float] = None, conformer_cache: CacheArgument = None,
                 max_atoms: Optional[int] = None,
                 crop: bool = False, batch_size: Optional[int] = None,
                 precision: Optional[str] = None,
                 threads: Optional[int] = None, progress: ProgressArgument = None):
        check_progress(progress)
        self._progress = progress
        self.options = new_run_options(max_atoms=max_atoms, crop=int(bool(crop)),
                                       batch_size=batch_size,
                                       precision=choice("precision", precision, PRECISIONS))
        options = new_struct(ConformerOptions, ladder=choice("ladder", ladder, LADDERS),
                             seed=conformer_seed, max_atoms=conformer_max_atoms,
                             time_limit=time_limit, count=conformers,
                             flat=int(bool(flat_conformer)), canonical=int(bool(canonical)))
        self.context = new_context(threads)
        use_conformer_cache(self.context, conformer_cache)
        self.batch = Handle(lib.molrt_batch_free, lib.molrt_batch_create, self.context,
                            byref(options))
        molecules.add_to(self.batch)
        self.size: int = lib.molrt_batch_size(self.batch)
        if columns is not None and len(columns) > 0:
            _set_columns(self.batch, columns, self.size)

    def run(self, function: Any, *arguments: Any) -> None:
        """Runs function(arguments ...) with this call's progress."""
        run_long(function, *arguments, progress=self._progress)

    def raw_rows(self) -> List[Any]:
        return [_get_row(lib.molrt_batch_get_row, self.batch, i) for i in range(self.size)]

    def rows(self) -> Rows:
        messages = [text(lib.molrt_batch_row_message(self.batch, i)) for i in range(self.size)]
        return rows_of(self.raw_rows(), messages)

    def atom_index(self, atoms: Sequence[int]) -> List[np.ndarray]:
        """Each model atom's index in the input, -1 for added hydrogens; `atoms` is each row's count."""
        indices = [np.empty(n, np.int32) for n in atoms]
        for row, index in enumerate(indices):
            if index.size:
                run(lib.molrt_batch_get_model_atoms, self.batch, row, index.ctypes.data, index.size)
        return indices


def _set_columns(batch: Handle, columns: Columns, rows: int) -> None:
    if not isinstance(columns, Mapping):
        raise TypeError(f"columns is a {type(columns).__name__}: expected a mapping of names to numbers")
    values = np.empty((rows, len(columns)), np.float64)
    for i, (name, column) in enumerate(columns.items()):
        try:
            numbers_of_column = np.asarray(column, dtype=np.float64)  # None becomes NaN
        except (TypeError, ValueError) as error:
            raise type(error)(f"columns[{name!r}]: {error}") from None
        if numbers_of_column.shape != (rows,):
            raise ValueError(f"columns[{name!r}] has shape {numbers_of_column.shape}, but there are "
                             f"{rows} molecules: expected ({rows},)")
        values[:, i] = numbers_of_column
    names = (ctypes.c_char_p * len(columns))(*(c_text(str(name)) for name in columns))
    run(lib.molrt_batch_set_columns, batch, names, values.ctypes.data, rows, len(columns))


def job_rows(job: Handle, count: int) -> Rows:
    return rows_of([_get_row(lib.molrt_job_get_row, job, i) for i in range(count)],
                   [text(lib.molrt_job_row_message(job, i)) for i in range(count)])


def rows_of(raw: Sequence[Any], messages: List[str]) -> Rows:
    status = [text(lib.molrt_row_status_name(r.status) if r.status else lib.molrt_source_name(r.source))
              for r in raw]
    return Rows(status=np.array(status, dtype=str), ok=np.array([r.status == 0 for r in raw], bool),
                flags=[_flag_names(r.flags) for r in raw], messages=messages,
                conformers=np.array([0 if r.status else r.conformers for r in raw], np.int32))


def _get_row(function: Any, handle: Handle, index: int) -> Any:
    row = new_struct(Row)
    run(function, handle, index, byref(row))
    return row


def _flag_names(flags: int) -> Tuple[str, ...]:
    return tuple(text(lib.molrt_flag_name(1 << bit)) for bit in range(32) if flags >> bit & 1)


def _molecules(argument: str, values: Any) -> List[Any]:
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{argument} is a single text, {values!r}: pass a list, [{values!r}]")
    return list(values)


def _molecule_text(argument: str, row: int, value: Any) -> Optional[bytes]:
    """None and NaN (an empty cell of a table) are an empty text."""
    if value is None or (isinstance(value, numbers.Real) and value != value):
        return None
    if not isinstance(value, str):
        raise TypeError(f"{argument}[{row}] is {value!r}, a {type(value).__name__}: expected a str")
    return c_text(value)


def _add_structures(batch: Handle, symbols: List[Any], coordinates: List[Any]) -> None:
    if len(symbols) != len(coordinates):
        raise ValueError(f"symbols has {len(symbols)} molecules, coordinates {len(coordinates)}")
    for row, (names, points) in enumerate(zip(symbols, coordinates)):
        texts = _symbol_texts(row, names)
        xyz = np.ascontiguousarray(points, dtype=np.float64)
        if xyz.size == 0:
            xyz = xyz.reshape(-1, 3)
        if xyz.shape != (len(texts), 3):
            raise ValueError(f"coordinates[{row}] has shape {xyz.shape}, but symbols[{row}] has "
                             f"{len(texts)} atoms: expected ({len(texts)}, 3)")
        array = (ctypes.c_char_p * len(texts))(*texts)
        run(lib.molrt_batch_add_atoms, batch, array, xyz.ctypes.data, len(texts))


def _symbol_texts(row: int, elements: Any) -> List[bytes]:
    if isinstance(elements, (str, bytes)) or not np.iterable(elements):
        raise TypeError(f"symbols[{row}] is {elements!r}: expected a molecule's list of element "
                        "symbols or atomic numbers")
    texts = []
    for atom, element in enumerate(elements):
        try:
            texts.append(c_text(symbol_of(element)))
        except (TypeError, ValueError) as error:
            raise type(error)(f"symbols[{row}][{atom}] is {element!r}: {error}") from None
    return texts
