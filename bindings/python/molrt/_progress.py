"""One line of progress on a terminal."""

import math
import sys
import time
from typing import Any


class TerminalLine:
    """Shows stage, count, rate and remaining time on stderr; silent where that is no terminal."""

    _SECONDS_BETWEEN_LINES = 0.1

    def __init__(self) -> None:
        self._stage = ""
        self._started = self._shown = 0.0
        self._width = 0

    def __call__(self, stage: str, done: int, total: int, **details: Any) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self.close()
            self._stage, self._started, self._shown = stage, now, 0.0
        if now - self._shown < self._SECONDS_BETWEEN_LINES and done < total:
            return
        self._shown = now
        pace = self._time_left(details["part"], now) if "part" in details else self._pace(done, total, now)
        counted = f"step {details['step']}/{details['steps']}" if stage == "pretraining" else f"{done}/{total}"
        self._show(f"{stage} {counted}" + pace + _losses(details))

    def close(self) -> None:
        if self._width:
            sys.stderr.write("\n")
            sys.stderr.flush()
        self._width = 0

    def _pace(self, done: int, total: int, now: float) -> str:
        seconds = now - self._started
        if not done or seconds <= 0:
            return ""
        rate = done / seconds
        return f", {rate:.1f}/s, {(total - done) / rate:.0f} s left"

    def _time_left(self, part: float, now: float) -> str:
        if not 0 < part <= 1:
            return ""
        return f", {(now - self._started) * (1 - part) / part:.0f} s left"

    def _show(self, line: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r" + line.ljust(self._width))
            sys.stderr.flush()
            self._width = max(self._width, len(line))


def _losses(details: Any) -> str:
    """What is known of the training: a number that is not is NaN."""
    if "train_loss" not in details:
        return ""
    named = {"loss": details["train_loss"], "held out": details["valid_loss"]}
    if details.get("metric_name", "loss") != "loss":
        named["held-out " + details["metric_name"]] = details["valid_metric"]
    named["lr"] = details["learning_rate"]
    member = f", fold {details['fold'] + 1}/{details['folds']}" if details.get("folds", 1) > 1 else ""
    return member + "".join(f", {name} {value:.4g}" for name, value in named.items()
                            if not math.isnan(value))
