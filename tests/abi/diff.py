#!/usr/bin/python3
"""Fails if a dump of the interface (dump.sh) breaks programs built with an older one's library.

usage: diff.py OLD NEW

abidiff finds the differences; what molrt.h promises decides. Functions may be added, and fields
behind a struct's end: not in its padding, whose bytes older programs leave unset. abidiff 2.2's own
rule for appended fields (has_data_member_inserted_at) drops a struct's other changes too.
"""
import re
import subprocess
import sys


def report(old: str, new: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = ["abidiff", "--harmless", "--leaf-changes-only", *options, old, new]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def is_appending(lines: "list[str]") -> bool:
    """Whether all that a report says of one type is that fields came behind its end."""
    size = re.fullmatch(r"  type size changed from (\d+) to \d+ \(in bits\)", lines[1])
    if not size or not re.fullmatch(r"  \d+ data member insertions?:", lines[2]):
        return False
    offsets = [re.fullmatch(r"    '.*', at offset (\d+) \(in bits\)", line) for line in lines[3:]]
    return all(offset and int(offset[1]) >= int(size[1]) for offset in offsets)


def breaking(text: str) -> "list[str]":
    """The changes in a report (without added functions) that molrt.h does not allow."""
    blocks = re.split(r"\n(?=\S)", text)
    blocks = [b for b in blocks if b.strip() and not re.match(r"\S+.* summary: ", b)]
    return [b for b in blocks if not (re.match(r"'struct molrt_\w+' changed:\n", b) and
                                      is_appending(b.rstrip().split("\n")))]


def main(old: str, new: str) -> int:
    print(report(old, new).stdout.strip() or "no difference")
    result = report(old, new, "--no-added-syms")
    if result.returncode not in (0, 4) and not result.returncode & 8:  # abidiff itself failed
        print(result.stdout)
        return 1
    changes = breaking(result.stdout)
    for change in changes:
        print("Not compatible:\n" + change)
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
