#!/usr/bin/python3
"""Draws what pre-training learnt: curves.py RUN.json ... -o PICTURE.svg, of what retrain.py leaves beside each
model (`molrt pretrain --json`). Needs Debian's python3-matplotlib."""
import argparse
import json
from pathlib import Path

from evaluation.figure import plt, save

PANELS = {"loss": "loss, weighted sum", "token_accuracy": "masked elements found",
          "distance_mae": "distances, mean error (Angstrom)", "supervised": "targets, smooth L1 of z-scores"}


def draw_panel(axes, name: str, runs: dict[str, list[dict]]) -> None:
    for number, (run, history) in enumerate(runs.items()):
        points = [(point["step"], point["held_out"][name]) for point in history if name in point["held_out"]]
        if points:
            axes.plot(*zip(*points), label=run, color=f"C{number}")
    axes.set_title(PANELS[name])
    axes.set_xlabel("steps")
    axes.grid(alpha=.3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN.json")
    parser.add_argument("-o", type=Path, required=True, dest="picture", metavar="PICTURE.svg")
    options = parser.parse_args()
    runs = {path.stem: json.loads(path.read_text())["history"] for path in options.runs}
    figure, panels = plt.subplots(1, len(PANELS), figsize=(3.2 * len(PANELS), 2.8))
    for axes, name in zip(panels, PANELS):
        draw_panel(axes, name, runs)
    panels[0].legend()
    figure.suptitle("Held-out molecules")
    save(figure, options.picture)


if __name__ == "__main__":
    main()
