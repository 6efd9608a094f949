#!/usr/bin/python3
"""Writes the README's examples from the files that the tests run (`--write`), or checks that they agree."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
readme = root / "README.md"
EXAMPLES = {"bindings/c/predict.c": "c", "bindings/cpp/predict.cpp": "cpp",
            "bindings/python/example.py": "python"}


def block(path: str, language: str) -> str:
    return f"<!-- {path} -->\n```{language}\n{(root / path).read_text().rstrip()}\n```"


text = readme.read_text()
fresh = text
for path, language in EXAMPLES.items():
    pattern = re.compile(rf"<!-- {re.escape(path)} -->\n```{language}\n.*?\n```", re.S)
    if not pattern.search(fresh):
        sys.exit(f"README.md: no example marked <!-- {path} -->")
    fresh = pattern.sub(lambda _: block(path, language), fresh)
if "--write" in sys.argv:
    readme.write_text(fresh)
elif fresh != text:
    sys.exit("README.md: its examples are not the files'; run tests/readme.py --write")
