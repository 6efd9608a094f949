"""Means with intervals, and choices by validation."""
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev

from scipy.stats import t

from .metrics import HIGHER_IS_BETTER, RANKED_BY
from .sets import SETS, Target

DIGITS = 3
Arm = tuple[str, str]  # model ("" of forest and boosting), method


def arm_name(arm: Arm) -> str:
    return f"{arm[0]}: {arm[1]}" if arm[0] else arm[1]


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and half the width of its 95 % interval by Student's t (None of one seed)."""
    mean: float
    half: float | None

    def text(self, sign: str = "") -> str:
        return f"{self.mean:{sign}.{DIGITS}f}" + (f" ± {self.half:.{DIGITS}f}" if self.half is not None else "")


def interval(values: list[float]) -> Interval:
    n = len(values)
    return Interval(mean(values), t.ppf(.975, n - 1) * stdev(values) / sqrt(n) if n > 1 else None)


class TargetResults:
    """The finished runs of one target, as its metric of one part of the rows (test or valid)."""

    def __init__(self, target: Target, metric: str, part: str, runs: list[dict]):
        self.target, self.metric, self.part = target, metric, part
        self.found: dict[tuple[str, Arm], dict[int, dict]] = {}
        for run in runs:
            if target.name in run["test"]:
                key = run["split"], (run["model"], run["method"])
                self.found.setdefault(key, {})[run["seed"]] = run

    @property
    def splits(self) -> list[str]:
        return list(dict.fromkeys(split for split, _ in self.found))

    @property
    def arms(self) -> list[Arm]:
        return list(dict.fromkeys(arm for _, arm in self.found))

    def values(self, split: str, arm: Arm, part: str) -> dict[int, float]:
        """By seed."""
        return {seed: run[part][self.target.name][self.metric]
                for seed, run in self.found.get((split, arm), {}).items()}

    def interval(self, split: str, arm: Arm, part: str | None = None) -> Interval:
        return interval(list(self.values(split, arm, part or self.part).values()))

    def best(self, split: str, arms: list[Arm], part: str) -> Arm | None:
        order = max if HIGHER_IS_BETTER[self.metric] else min
        return order(arms, key=lambda arm: self.interval(split, arm, part).mean, default=None)

    def choices(self, split: str) -> tuple[Arm | None, list[Arm]]:
        """By the validation rows, so that no test is looked at: the better of forest and boosting (None if neither
        was run), and the best method of each network."""
        models = list(dict.fromkeys(model for model, _ in self.arms))
        best = {model: self.best(split, [arm for arm in self.arms if arm[0] == model], "valid") for model in models}
        return best.pop("", None), list(best.values())

    def difference(self, split: str, arm: Arm, other: Arm) -> Interval:
        """Seed by seed, on the same rows."""
        a, b = (self.values(split, which, self.part) for which in (arm, other))
        return interval([a[seed] - b[seed] for seed in a])

    def is_gain(self, difference: Interval) -> bool:
        """The whole interval is on the better side of 0."""
        gain = difference.mean if HIGHER_IS_BETTER[self.metric] else -difference.mean
        return difference.half is not None and gain > difference.half


def by_target(runs: list[dict], part: str) -> list[TargetResults]:
    told = [TargetResults(target, RANKED_BY[plan.task], part, runs) for plan in SETS.values()
            for target in plan.targets]
    return [results for results in told if results.found]
