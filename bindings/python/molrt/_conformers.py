"""Conformers alone, without a model."""

from ctypes import byref
from dataclasses import dataclass
from typing import List, Optional

import numpy as np

from ._call import CacheArgument, Handle, ProgressArgument, c_text, read_text, run
from ._elements import SYMBOLS
from ._library import lib
from ._molecules import Coordinates, MolBlocks, Molecules, Rows, Smiles, Symbols, Work


@dataclass(frozen=True)
class Conformers(Rows):
    """The status of each molecule (see Rows), and its conformers, empty where there is none.

    symbols: for each molecule [n_i] str; "*" for an atom that is no element
    coordinates: for each molecule [n_i, 3] float32, Angstrom, of the first conformer
    all_coordinates: for each molecule [conformers_i, n_i, 3] float32, of all
    atom_index: for each molecule [n_i] int32: each atom's index in the text or the given atoms, -1
        for added hydrogens

    model.embed(symbols=c.symbols, coordinates=c.coordinates) takes them as they are. Cannot be pickled
    or copied, because sdf() and smiles() need the library's own object; the arrays can.
    """

    symbols: List[List[str]]
    coordinates: List[np.ndarray]
    all_coordinates: List[np.ndarray]
    atom_index: List[np.ndarray]
    _batch: Handle

    def sdf(self, row: int, title: Optional[str] = None, conformer: int = 0) -> str:
        """A molecule's conformer as an SDF record, with its bonds; an Error if there is none."""
        return read_text(lib.molrt_batch_get_sdf, self._batch, range(len(self))[row],
                         range(max(1, self.conformers[row]))[conformer],
                         None if title is None else c_text(title))

    def smiles(self, row: int) -> str:
        """A molecule's canonical SMILES; an Error if it cannot be read or was given as atoms."""
        return read_text(lib.molrt_batch_get_smiles, self._batch, range(len(self))[row])


def conformers(smiles: Optional[Smiles] = None, *, symbols: Optional[Symbols] = None,
               coordinates: Optional[Coordinates] = None, mol_blocks: Optional[MolBlocks] = None,
               ladder: str = "default", seed: Optional[int] = None,
               conformers: Optional[int] = None, flat_conformer: bool = False,
               canonical: bool = False, max_atoms: Optional[int] = None,
               time_limit: Optional[float] = None, conformer_cache: CacheArgument = None,
               threads: Optional[int] = None,
               progress: ProgressArgument = None) -> Conformers:
    """Conformers of molecules, hydrogens added. Given structures come back with their coordinates.

    seed: RDKit's random seed (42), which is conformer_seed elsewhere
    max_atoms: larger molecules get no conformer (status "too_large"); default: no limit
    The other options: see Model
    """
    work = Work(Molecules(smiles, symbols, coordinates, mol_blocks), ladder=ladder,
                conformer_seed=seed, conformers=conformers, flat_conformer=flat_conformer,
                canonical=canonical, conformer_max_atoms=max_atoms, time_limit=time_limit,
                conformer_cache=conformer_cache,
                threads=threads, progress=progress)
    work.run(lib.molrt_batch_compute_conformers, work.context, work.batch, byref(work.options))
    numbers, points, index = [], [], []
    for row, raw in enumerate(work.raw_rows()):
        atoms = raw.conformer_atoms
        numbers.append(np.empty(atoms, np.int32))
        points.append(np.empty((raw.conformers, atoms, 3), np.float32))
        index.append(np.empty(atoms, np.int32))
        for conformer in range(raw.conformers):
            run(lib.molrt_batch_get_conformer, work.batch, row, conformer, numbers[-1].ctypes.data,
                points[-1][conformer].ctypes.data, index[-1].ctypes.data, atoms)
    return Conformers(**vars(work.rows()), symbols=[[SYMBOLS[n] for n in z] for z in numbers],
                      coordinates=[p[0] if len(p) else p.reshape(0, 3) for p in points],
                      all_coordinates=points, atom_index=index, _batch=work.batch)
