"""Measuring in turns, so that a noisy machine disturbs all alike, and watching how noisy it is."""

import os
import subprocess
import time

from engines import Absent

QUIET = 0.1  # of the cores, that other processes use
TICKS = os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))


def machine_seconds():
    """Of all processes, on all processors; of the hypervisor's other guests too."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def process_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Noise:
    """What other processes take of the machine while something is measured. What they disturb is measured
    again once they are quiet, whatever its result, while there is patience (seconds, of the whole run)."""

    TOO_SHORT = 0.2  # seconds, to tell

    def __init__(self, patience):
        self.patience, self.seen = patience, []

    def watch(self, work, own_seconds):
        while True:
            self.wait()
            start, machine, own = time.perf_counter(), machine_seconds(), own_seconds()
            answer = work()
            wall = time.perf_counter() - start
            others = machine_seconds() - machine - (own_seconds() - own)
            share = max(0.0, others / (wall * CORES))
            if share < QUIET or self.patience <= 0 or wall < self.TOO_SHORT:
                self.seen += [share] if wall >= self.TOO_SHORT else []
                return answer
            self.patience -= wall

    def wait(self):
        while self.patience > 0:
            machine = machine_seconds()
            time.sleep(0.5)
            if machine_seconds() - machine < QUIET * 0.5 * CORES:
                return
            time.sleep(2)
            self.patience -= 2.5


class Arm:
    """Something that is measured again and again: a name, and what an engine is asked."""

    def __init__(self, name, engine, *words):
        self.name, self.engine, self.words = name, engine, words
        self.seconds, self.cpu, self.note = [], [], None

    def once(self):
        return self.engine.ask(*self.words)

    def measure(self, noise):
        pid = self.engine.process.pid
        answer = noise.watch(self.once, lambda: process_seconds(pid))
        values = answer["seconds"]
        self.seconds += values if isinstance(values, list) else [values]
        self.cpu += [answer["cpu"]] if "cpu" in answer else []
        self.note = answer.get("way")


def in_turns(arms, rounds, noise):
    """-> {name: arm} of those that answered, {name: why not} of the others. A first round does not count."""
    known, absent = [], {}
    for arm in arms:
        noise.wait()
        try:
            arm.once()
            known.append(arm)
        except Absent as reason:
            absent[arm.name] = str(reason)
    for _ in range(rounds):
        for arm in known:
            arm.measure(noise)
    return {arm.name: arm for arm in known}, absent


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(p * len(ordered)))]


def run_command(command, noise):
    """-> wall and processor seconds and peak bytes of a process."""
    own = [0.0]

    def work():
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Absent(f"{command[0]} {command[1]} failed")
        own[0] += usage.ru_utime + usage.ru_stime
        return {"seconds": time.perf_counter() - start, "cpu": usage.ru_utime + usage.ru_stime,
                "peak": usage.ru_maxrss * 1024}

    return noise.watch(work, lambda: own[0])
