#!/usr/bin/python3
"""molrt beside its limit and its peers, all in one run (README.md tells what the tables mean).

usage: ./dev bench [options]        # or tests/bench/run.py --build build
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import tables
from engines import HERE, Absent, Workplace
from measure import Arm, Noise, in_turns, run_command

PRECISIONS = ["f32", "split", "bf16"]
PEERS = {"ort": ["f32"], "torch": ["f32", "bf16"]}
SMOKE = ["--layers", 2, "--width", 64, "--ffn", 256, "--heads", 8]


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=HERE.parent.parent / "build", help="where molrt was built")
    parser.add_argument("--table", default=HERE.parent / "golden/data/esol.csv",
                        help="its first column is SMILES")
    parser.add_argument("--rows", type=int, help="of the table (256)")
    parser.add_argument("--rounds", type=int, help="(5)")
    parser.add_argument("--threads", type=int, help="(all cores)")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--without", nargs="+", choices=PEERS, default=[], help="these peers")
    parser.add_argument("--patience", type=float, default=0,
                        help="seconds in all to wait for other processes and measure again what they disturbed")
    parser.add_argument("--cpu", action="store_true",
                        help="by processors' time: with --threads 1 on a machine that others use")
    parser.add_argument("--json", type=Path, help="all that was measured, to this file")
    parser.add_argument("--smoke", action="store_true", help="only that everything runs, on a tiny model")
    options = parser.parse_args()
    options.rows = options.rows or (8 if options.smoke else 256)
    options.threads = options.threads or (1 if options.smoke else len(os.sched_getaffinity(0)))
    options.rounds = options.rounds or (1 if options.smoke else 5)
    return options


class Run:
    """Its engines, and all that was found."""

    def __init__(self, options):
        self.options = options
        name = "bench-smoke" if options.smoke else "bench"
        self.place = Workplace(options.build, Path(options.build) / name, options.threads)
        self.found, self.noise = {"absent": {}}, Noise(options.patience)
        self.place.prepare(options.table, options.rows, SMOKE if options.smoke else [])
        self.engines = {}
        for name in ["molrt", *(peer for peer in PEERS if peer not in options.without)]:
            try:
                self.place.check(name)
                self.engines[name] = self.place.start(name)
            except Absent as reason:
                self.found["absent"][name] = str(reason)
        self.molrt = self.engines["molrt"]

    def peers(self):
        return [(name, mode) for name in PEERS if name in self.engines for mode in PEERS[name]]

    def measure(self, section, arms, rounds):
        known, absent = in_turns(arms, rounds, self.noise)
        self.found["absent"] |= absent
        self.found[section] = {name: {"seconds": arm.seconds, "cpu": arm.cpu, "note": arm.note}
                               for name, arm in known.items()}
        return known

    def typical_molecule(self):
        """The index of the one whose length is next to 30 tokens."""
        lengths = self.molrt.hello["lengths"]
        return min(range(len(lengths)), key=lambda i: abs(lengths[i] - 30))

    def close(self):
        for engine in self.engines.values():
            engine.close()


# ---- the sections


def throughput(run):
    arms = [Arm(f"limit {p}", run.molrt, "chain", p) for p in ("f32", "bf16")]
    arms += [Arm(f"molrt {p}", run.molrt, "throughput", p) for p in PRECISIONS]
    for name, mode in run.peers():
        for size in (16, 32):
            for order, text in (("sorted", "sorted"), ("dataset", "as it comes")):
                arms.append(Arm(f"{name} {mode} {text} {size}", run.engines[name], "throughput", mode,
                                order, size))
    run.measure("throughput", arms, run.options.rounds)


def agreement(run):
    """Differences of CLS from molrt's f32, in standard deviations over the molecules."""
    def outputs(engine, mode):
        path = run.place.folder / "outputs.f32"
        engine.ask("outputs", mode, path)
        return numpy.fromfile(path, "<f4").reshape(len(run.molrt.hello["lengths"]), -1)

    reference = outputs(run.molrt, "f32")
    deviation = numpy.sqrt(reference.var(axis=0).mean())
    others = [("molrt", mode) for mode in PRECISIONS[1:]] + run.peers()
    differences = run.found["agreement"] = {}
    for name, mode in others:
        try:
            off = (outputs(run.engines[name], mode) - reference) / deviation
            differences[f"{name} {mode}"] = {"rms": float(numpy.sqrt((off**2).mean())),
                                             "largest": float(numpy.abs(off).max())}
        except Absent as reason:
            run.found["absent"][f"{name} {mode}"] = str(reason)


def latency(run):
    index, calls = run.typical_molecule(), 10
    arms = [Arm(f"limit {p}", run.molrt, "chain1", p, index, calls) for p in ("f32", "bf16")]
    others = [("molrt", p) for p in PRECISIONS] + run.peers()
    arms += [Arm(f"{name} {p}", run.engines[name], "latency", p, index, calls) for name, p in others]
    run.measure("latency", arms, 4 * run.options.rounds)
    run.found["latency_tokens"] = run.molrt.hello["lengths"][index]


def training(run):
    """In processes of their own, whose peak memory is that of training."""
    batch = min(32, run.options.rows)
    others = [("molrt", p) for p in PRECISIONS]
    others += [(name, p) for name, p in run.peers() if name == "torch"]
    arms = [Arm(f"{name} {p}", run.place.start(name), "step", p, batch) for name, p in others]
    known = run.measure("training", arms, min(3, run.options.rounds))
    run.found["training_batch"] = batch
    for name, arm in known.items():
        run.found["training"][name]["peak"] = arm.engine.ask("memory")["peak"]
    for arm in arms:
        arm.engine.close()


def processes(run):
    """From the start of a process to its first answer, and its memory then and after a whole pass."""
    results = run.found["processes"] = {}
    for name, mode in [("molrt", p) for p in PRECISIONS] + run.peers():
        seconds = []
        for _ in range(min(3, run.options.rounds)):
            engine = run.place.start(name)
            try:
                engine.ask("latency", mode, run.typical_molecule(), 1)
                seconds.append(engine.age())
                first = engine.ask("memory")["peak"]
                engine.ask("throughput", mode, "dataset", 32)
                results[f"{name} {mode}"] = {"seconds": seconds, "first": first,
                                             "peak": engine.ask("memory")["peak"]}
            except Absent as reason:
                run.found["absent"][f"{name} {mode}"] = str(reason)
            engine.close()


def command(run):
    """The command itself: SMILES in, representations out; beside RDKit's part and the network's."""
    table, molrt = run.place.folder / "rows.csv", run.place.program("molrt")
    lines = Path(run.options.table).read_text().splitlines()
    embed = [molrt, "embed", "--model", run.place.model, table, "-o", run.place.folder / "out.npy",
             "--threads", run.options.threads, "--conformer-cache", "off"]
    rdkit = [molrt, "conformers", table, "-o", run.place.folder / "out.safetensors",
             "--threads", run.options.threads, "--conformer-cache", "off"]
    results = run.found["command"] = {"one": [], "cold": [], "rdkit": [], "network": []}
    for _ in range(min(3, run.options.rounds)):
        table.write_text("\n".join([lines[0], "CCO"]) + "\n")
        results["one"].append(run_command(embed, run.noise))
        table.write_text("\n".join(lines[:run.options.rows + 1]) + "\n")
        results["cold"].append(run_command(embed, run.noise))
        results["rdkit"].append(run_command(rdkit, run.noise))
        results["network"].append(run.molrt.ask("throughput", "f32"))
    results["weights"] = run.place.model.stat().st_size


SECTIONS = {"throughput": throughput, "agreement": agreement, "latency": latency, "training": training,
            "processes": processes, "command": command}


def machine():
    info = Path("/proc/cpuinfo").read_text()
    name = next(line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name"))
    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True,
                            text=True).stdout.strip()
    return {"cpu": name, "commit": commit}


def main():
    options = parse()
    run = Run(options)
    run.found |= machine() | {"sizes": run.place.configuration(), "lengths": run.molrt.hello["lengths"],
                              "rows": options.rows, "rounds": options.rounds, "table": str(options.table),
                              "clock": "cpu" if options.cpu else "seconds"}
    run.found["engines"] = {name: engine.hello for name, engine in run.engines.items()}
    tables.print_head(run.found)
    for section in options.only:
        SECTIONS[section](run)
        tables.PRINT[section](run.found)
        sys.stdout.flush()
    run.close()
    run.found["noise"] = run.noise.seen
    tables.print_foot(run.found)
    if options.json:
        options.json.write_text(json.dumps(run.found, indent=1) + "\n")
    return tables.disagreements(run.found)


if __name__ == "__main__":
    sys.exit(main())
