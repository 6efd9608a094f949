"""How far a long table is, and how long it will take."""
import sys
from statistics import mean

from .store import Run


def say(text: str) -> None:
    print(f"evaluate: {text}", file=sys.stderr, flush=True)


def in_words(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"


class Progress:
    """Estimates from finished runs: of the same set and method, else of the method, else of all."""

    def __init__(self, runs: list[Run], finished: dict[Run, dict]):
        self.total = len(runs)
        self.left = [run for run in runs if run not in finished]
        self.seconds: dict[tuple, list[float]] = {}
        for run, found in finished.items():
            self._learn(run, found["seconds"])
        say(f"{len(finished)} of {self.total} runs are there already"
                  + (f"; about {self._time_left()} for the others" if self.left and self.seconds else ""))

    @staticmethod
    def _kinds(run: Run) -> list[tuple]:
        return [(run.set, run.model, run.method), (run.method,), ()]

    def _learn(self, run: Run, seconds: float) -> None:
        for kind in self._kinds(run):
            self.seconds.setdefault(kind, []).append(seconds)

    def _expected(self, run: Run) -> float:
        return mean(next(self.seconds[kind] for kind in self._kinds(run) if kind in self.seconds))

    def _time_left(self) -> str:
        return in_words(sum(map(self._expected, self.left)))

    def done(self, run: Run, found: dict) -> None:
        self.left.remove(run)
        self._learn(run, found["seconds"])
        told = ", ".join(f"{target} {metric} {value:.3f}" for target, scores in found["test"].items()
                         for metric, value in list(scores.items())[:1])
        say(f"[{self.total - len(self.left)}/{self.total}] {run.name}: {told}; "
                  f"{in_words(found['seconds'])}; about {self._time_left()} left")
