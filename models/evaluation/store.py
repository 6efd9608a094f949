"""Finished runs on disk: one JSON file each, written whole or not at all."""
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One row of the plan. `made_from` is all that its numbers depend on: another one makes it anew."""
    set: str
    split: str
    seed: int
    model: str  # "" of the baselines
    method: str
    made_from: str

    @property
    def name(self) -> str:
        words = [self.set, self.split, str(self.seed), *([self.model] if self.model else []), self.method]
        return ".".join(words).replace(" + ", "+").replace(" ", "-")


def hash_of(value) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def hash_of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_whole(path: Path, text: str) -> None:
    """A reader, and a run after a kill, finds the old content or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


class Store:
    """Of one process at a time; what a killed one has left half-made is removed."""

    def __init__(self, out: Path):
        self.out, self.folder = out, out / "runs"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = open(out / "lock", "w", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"evaluate: {out}: another evaluate.py is at work there") from None
        for left in out.glob("making.*"):
            shutil.rmtree(left, ignore_errors=True)

    def scratch(self) -> tempfile.TemporaryDirectory:
        return tempfile.TemporaryDirectory(dir=self.out, prefix="making.")

    def _path(self, run: Run) -> Path:
        return self.folder / f"{run.name}.json"

    def find(self, run: Run) -> dict | None:
        try:
            found = json.loads(self._path(run).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return found if found.get("made_from") == run.made_from else None

    def add(self, run: Run, result: dict) -> dict:
        found = vars(run) | result
        write_whole(self._path(run), json.dumps(found, indent=1) + "\n")
        return found
