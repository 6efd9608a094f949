"""Measuring in turns, so that a noisy machine disturbs all alike."""

import os
import subprocess
import time

from engines import Absent


class Arm:
    """Something that is measured again and again: a name, and what an engine is asked."""

    def __init__(self, name, engine, *words):
        self.name, self.engine, self.words = name, engine, words
        self.seconds, self.cpu, self.note = [], [], None

    def once(self):
        return self.engine.ask(*self.words)

    def keep(self, answer):
        values = answer["seconds"]
        self.seconds += values if isinstance(values, list) else [values]
        self.cpu += [answer["cpu"]] if "cpu" in answer else []
        self.note = answer.get("way")


def in_turns(arms, rounds):
    """-> arms that answered, {name: why not} of the others. The first round does not count."""
    known, absent = [], {}
    for arm in arms:
        try:
            arm.once()
            known.append(arm)
        except Absent as reason:
            absent[arm.name] = str(reason)
    for _ in range(rounds):
        for arm in known:
            arm.keep(arm.once())
    return {arm.name: arm for arm in known}, absent


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(p * len(ordered)))]


def run_command(command):
    """-> wall and processor seconds and peak bytes of a process."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Absent(f"{command[0]} {command[1]} failed")
    return {"seconds": time.perf_counter() - start, "cpu": usage.ru_utime + usage.ru_stime,
            "peak": usage.ru_maxrss * 1024}
