"""The plan: all runs of the table, what each is made from, and how it is made."""
import time
from pathlib import Path

from .forest import run_forest
from .network import Molrt, run_network
from .progress import Progress, say
from .sets import SETS, MeasuredSet, missing, read_set
from .splits import SPLITS
from .store import Run, Store, hash_of, hash_of_file

PROTOCOL = 1  # raise it with every change that changes numbers and is neither in a recipe nor in a file
TWIN = "untrained "  # before the name of the model whose sizes it has


def read_sets(names: list[str], folder: Path) -> dict[str, MeasuredSet]:
    for name in names:
        if gone := missing(SETS[name], folder):
            say(f"warning: {name} is left out: {folder} has no {', '.join(gone)}")
    found = {name: read_set(SETS[name], folder) for name in names if not missing(SETS[name], folder)}
    if not found:
        raise SystemExit(f"evaluate: {folder} has none of the sets")
    return found


class Evaluation:
    def __init__(self, options, recipes: dict[str, dict]):
        self.options = options
        self.baselines = {n: r for n, r in recipes["baselines"].items() if n in options.methods}
        self.networks = {n: r for n, r in recipes["networks"].items() if n in options.methods}
        self.sets = read_sets(options.sets, options.data)
        self.store = Store(options.out)
        self.files = {path.stem: path for path in options.models} if self.networks else {}
        self.molrt = Molrt(options.molrt, options.out / "conformers.sqlite", options.threads) if self.files else None
        self.hashes = {stem: hash_of_file(path) for stem, path in self.files.items()}
        self.architectures = {stem: self.molrt.architecture(path) for stem, path in self.files.items()}

    def run(self) -> list[dict]:
        """Seeds are outermost: a table that is not finished yet has a bit of everything."""
        plan = [self._run(name, split, seed, model, method) for seed in range(self.options.seeds)
                for name in self.sets for split in self.options.splits for model, method in self._arms()]
        finished = {run: found for run in plan if (found := self.store.find(run))}
        progress = Progress(plan, finished)
        for run in plan:
            if run not in finished:
                finished[run] = self._timed(run)
                progress.done(run, finished[run])
        return [finished[run] for run in plan]

    def notes(self, runs: list[dict]) -> list[str]:
        """What is not in the table, and which of its rows are not as the others."""
        left_out = [name for name in self.options.sets if name not in self.sets]
        return ([f"{name} is left out: {', '.join(missing(SETS[name], self.options.data))} is not there"
                 for name in left_out]
                + [f"{name}: {measured.unreadable} rows that RDKit cannot read are in no method's table"
                   for name, measured in self.sets.items() if measured.unreadable]
                + [f"{run['set']}, {run['split']}, seed {run['seed']}, {run['model']}, {run['method']}: "
                   f"{run['unpredicted']} test rows without a prediction, {run['unused']} rows not trained on"
                   for run in runs if run["model"] and (run["unpredicted"] or run["unused"])])

    def _arms(self) -> list[tuple[str, str]]:
        return [("", method) for method in self.baselines] + [
            (model, method) for stem in self.files for model in (stem, TWIN + stem) for method in self.networks]

    def _run(self, name: str, split: str, seed: int, model: str, method: str) -> Run:
        recipe = self.networks[method] if model else self.baselines[method]
        made_from = [PROTOCOL, self.sets[name].hash, split, seed, self._origin(model), recipe]
        return Run(name, split, seed, model, method, hash_of(made_from))

    def _origin(self, model: str) -> list | None:
        """Of a run's network. An untrained one stays what it was when the model is trained again."""
        if not model:
            return None
        stem = model.removeprefix(TWIN)
        return [self.molrt.version, self.architectures[stem] if model != stem else self.hashes[stem]]

    def _timed(self, run: Run) -> dict:
        begin = time.monotonic()
        found = self._forest(run) if not run.model else self._network(run)
        return self.store.add(run, found | {"seconds": round(time.monotonic() - begin, 2)})

    def _forest(self, run: Run) -> dict:
        measured = self.sets[run.set]
        return run_forest(run.method, self.baselines[run.method], measured, SPLITS[run.split](measured, run.seed),
                          run.seed, self.options.threads)

    def _network(self, run: Run) -> dict:
        measured = self.sets[run.set]
        with self.store.scratch() as folder:
            return run_network(self.molrt, self._weights(run, Path(folder)), self.networks[run.method], measured,
                               SPLITS[run.split](measured, run.seed), run.seed, Path(folder))

    def _weights(self, run: Run, folder: Path) -> Path:
        stem = run.model.removeprefix(TWIN)
        if run.model == stem:
            return self.files[stem]
        self.molrt.init(self.architectures[stem], run.seed, folder / "untrained.molrt")
        return folder / "untrained.molrt"
