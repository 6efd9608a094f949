"""The results as files: results.json, table.md and pictures, and the part of models/README.md."""
import json
from pathlib import Path

from .pictures import draw
from .store import write_whole
from .summary import by_target
from .tables import heading, summary_table, target_table

BEGIN, END = "<!-- evaluate.py -->", "<!-- /evaluate.py -->"


def markdown(runs: list[dict], notes: list[str], part: str, pictures: str) -> str:
    targets, count = by_target(runs, part), len({run["seed"] for run in runs})
    seeds = "1 seed" if count == 1 else f"{count} seeds"
    parts = [f"{seeds}; mean ± 95 % interval over them. The protocol, the recipes and what the intervals do "
             "not tell stand at the head of [evaluate.py](evaluate.py).", summary_table(targets),
             "Of each network the method was chosen by the validation rows, as of forest and boosting. Bold: better "
             "than these, and the interval of the difference is without 0 (by scaffold: an interval of the seeds alone)."]
    for results in targets:
        name = results.target.name
        parts += [f"#### {heading(results)}", target_table(results), f"![{name}]({pictures}{name.lower()}.svg)"]
    return "\n\n".join(parts + ["\n".join(f"* {note}" for note in notes)]).rstrip() + "\n"


def draw_all(runs: list[dict], part: str, folder: Path) -> None:
    for results in by_target(runs, part):
        draw(results, folder / f"{results.target.name.lower()}.svg")


def write(runs: list[dict], notes: list[str], part: str, folder: Path) -> str:
    write_whole(folder / "results.json", json.dumps(runs, indent=1) + "\n")
    draw_all(runs, part, folder)
    text = markdown(runs, notes, part, "")
    write_whole(folder / "table.md", text)
    return text


def between_markers(readme: Path) -> tuple[str, str]:
    """What stands before and after them."""
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise SystemExit(f"evaluate: {readme}: expected {BEGIN} and, after it, {END}, once each")
    return text.split(BEGIN)[0], text.split(END)[1]


def write_readme(runs: list[dict], notes: list[str], readme: Path) -> None:
    head, tail = between_markers(readme)
    pictures = readme.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    draw_all(runs, "test", pictures)
    write_whole(readme, f"{head}{BEGIN}\n{markdown(runs, notes, 'test', 'pictures/')}{END}{tail}")
