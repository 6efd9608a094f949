"""The tables in Markdown."""
from .metrics import HIGHER_IS_BETTER
from .summary import Arm, TargetResults, arm_name

ROWS = {"test": "test", "valid": "validation"}


def table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, ["---"] * len(header), *rows])


def heading(results: TargetResults) -> str:
    better_is = "higher" if HIGHER_IS_BETTER[results.metric] else "lower"
    unit = f" ({results.target.unit})" if results.target.unit else ""
    rows = f"{results.metric.upper()}{unit} of the {ROWS[results.part]} rows"
    return f"{results.target.name}: {rows}, {better_is} is better"


def target_table(results: TargetResults) -> str:
    winners = {split: results.best(split, results.arms, results.part) for split in results.splits}

    def cell(arm: Arm, split: str) -> str:
        text = results.interval(split, arm).text()
        return f"**{text}**" if arm == winners[split] else text
    return table(["method", *results.splits],
                 [[arm_name(arm), *(cell(arm, split) for split in results.splits)] for arm in results.arms])


def difference_cell(results: TargetResults, split: str, arm: Arm, baseline: Arm | None) -> str:
    if baseline is None:
        return ""
    difference = results.difference(split, arm, baseline)
    return f"**{difference.text('+')}**" if results.is_gain(difference) else difference.text("+")


def choice_rows(results: TargetResults, split: str) -> list[list[str]]:
    baseline, networks = results.choices(split)
    rows = [[arm_name(baseline), results.interval(split, baseline).text(), ""]] if baseline else []
    rows += [[arm_name(arm), results.interval(split, arm).text(), difference_cell(results, split, arm, baseline)]
             for arm in networks]
    return [[results.target.name, results.metric.upper(), split, *cells] for cells in rows]


def summary_table(targets: list[TargetResults]) -> str:
    rows = [row for results in targets for split in results.splits for row in choice_rows(results, split)]
    return table(["target", "metric", "split", "chosen by validation", "mean", "minus forest/boosting"], rows)
