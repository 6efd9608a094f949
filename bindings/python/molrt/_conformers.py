"""Conformers alone, without a model."""

from ctypes import byref
from dataclasses import dataclass
from typing import List, Optional

import numpy as np

from ._call import Handle, ProgressArgument, c_text, read_text, run
from ._elements import SYMBOLS
from ._library import lib
from ._molecules import Coordinates, Rows, Smiles, Symbols, Work


@dataclass(frozen=True)
class Conformers(Rows):
    """The status of each molecule (see Rows), and its conformer, empty where there is none.

    symbols: for each molecule [n_i] str; "*" for an atom that is no element
    coordinates: for each molecule [n_i, 3] float32, Angstrom
    atom_index: for each molecule [n_i] int32: each atom's index in the SMILES or the given atoms, -1
        for added hydrogens

    model.embed(symbols=c.symbols, coordinates=c.coordinates) takes them as they are. Cannot be pickled
    or copied, because sdf() needs the library's own object; symbols, coordinates and atom_index can.
    """

    symbols: List[List[str]]
    coordinates: List[np.ndarray]
    atom_index: List[np.ndarray]
    _batch: Handle

    def sdf(self, row: int, title: Optional[str] = None) -> str:
        """One molecule as an SDF record, with the SMILES's bonds; an Error if it has no conformer."""
        return read_text(lib.molrt_batch_get_sdf, self._batch, range(len(self))[row],
                         None if title is None else c_text(title))


def conformers(smiles: Optional[Smiles] = None, *, symbols: Optional[Symbols] = None,
               coordinates: Optional[Coordinates] = None, ladder: str = "default",
               seed: Optional[int] = None, max_atoms: Optional[int] = None,
               time_limit: Optional[float] = None, threads: Optional[int] = None,
               progress: ProgressArgument = None) -> Conformers:
    """Conformers of molecules, hydrogens added to SMILES. Given structures come back as they are.

    seed: RDKit's random seed (42), which is conformer_seed elsewhere
    max_atoms: larger molecules get no conformer (status "too_large"); default: no limit
    smiles, symbols, coordinates, ladder, time_limit, threads, progress: see Model
    """
    work = Work(smiles, symbols, coordinates, ladder=ladder, conformer_seed=seed,
                conformer_max_atoms=max_atoms, time_limit=time_limit, threads=threads,
                progress=progress)
    work.run(lib.molrt_batch_compute_conformers, work.context, work.batch, byref(work.options))
    numbers, points, index = [], [], []
    for row, raw in enumerate(work.raw_rows()):
        count = raw.conformer_atoms
        numbers.append(np.empty(count, np.int32))
        points.append(np.empty((count, 3), np.float32))
        index.append(np.empty(count, np.int32))
        if count:
            run(lib.molrt_batch_get_conformer, work.batch, row, numbers[-1].ctypes.data,
                points[-1].ctypes.data, index[-1].ctypes.data, count)
    return Conformers(**vars(work.rows()), symbols=[[SYMBOLS[n] for n in z] for z in numbers],
                      coordinates=points, atom_index=index, _batch=work.batch)
