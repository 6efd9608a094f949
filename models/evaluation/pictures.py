"""A picture of each target: dots with intervals, a panel for each split."""
from pathlib import Path

from .figure import plt, save
from .job import TWIN
from .summary import Arm, TargetResults, arm_name
from .tables import heading

BASELINE, UNTRAINED, TRAINED = "#666666", "#c9a227", "#1f5fa8"


def colour(arm: Arm) -> str:
    return BASELINE if not arm[0] else UNTRAINED if arm[0].startswith(TWIN) else TRAINED


def draw_panel(axes, results: TargetResults, split: str) -> None:
    for height, arm in enumerate(results.arms):
        found = results.interval(split, arm)
        axes.errorbar(found.mean, height, xerr=found.half, fmt="o", color=colour(arm), capsize=3, markersize=5)
    axes.set_title(f"{split} split")
    axes.grid(axis="x", alpha=.3)


def draw(results: TargetResults, path: Path) -> None:
    splits, arms = results.splits, results.arms
    figure, panels = plt.subplots(1, len(splits), sharey=True, squeeze=False,
                                  figsize=(4 + 3 * len(splits), 1.5 + .24 * len(arms)))
    for axes, split in zip(panels[0], splits):
        draw_panel(axes, results, split)
    panels[0][0].set_yticks(range(len(arms)), [arm_name(arm) for arm in arms])
    panels[0][0].invert_yaxis()
    figure.suptitle(heading(results))
    save(figure, path)
