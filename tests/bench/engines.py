"""The engines that run.py asks: processes that answer a line of words with a line of JSON."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
OPENBLAS = Path("/usr/lib/x86_64-linux-gnu/openblas-openmp")


class Absent(Exception):
    """An engine that cannot be had, or a command that it does not know."""


class Engine:
    def __init__(self, command, environment, log):
        self.start = time.perf_counter()
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=log, text=True,
                                        env=os.environ | environment)
        self.hello = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise Absent(f"ended with status {self.process.wait()}")
        return json.loads(line)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.read()
        if "error" in answer:
            raise Absent(answer["error"])
        return answer

    def age(self):
        return time.perf_counter() - self.start

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def has_avx512():
    return "avx512bw" in Path("/proc/cpuinfo").read_text()


def torch_environment():
    """What Debian's PyTorch needs to be fast (README.md, Peers)."""
    environment = {"ATEN_CPU_CAPABILITY": "avx512" if has_avx512() else "avx2"}
    if has_avx512():
        environment["OPENBLAS_CORETYPE"] = "SKYLAKEX"
    if OPENBLAS.is_dir():
        environment["LD_LIBRARY_PATH"] = str(OPENBLAS)
    return environment


class Workplace:
    """The files of a run, and how each engine is started on them."""

    def __init__(self, build, folder, threads):
        self.build, self.folder, self.threads = Path(build).resolve(), Path(folder).resolve(), threads
        self.folder.mkdir(parents=True, exist_ok=True)
        self.model, self.molecules = self.folder / "model.molrt", self.folder / "molecules.safetensors"
        self.onnx = self.folder / "model.onnx"
        self.module = self.build / "bench-peers/node_modules/onnxruntime-node"
        self.log = open(self.folder / "engines.log", "w")

    def program(self, name):
        return self.build / "bin" / name

    def run(self, *command, environment=None):
        done = subprocess.run([str(word) for word in command], stdout=self.log, stderr=self.log,
                              env=os.environ | (environment or {}))
        if done.returncode != 0:
            raise Absent(f"{Path(command[0]).name} {command[1]} failed: see {self.log.name}")

    def prepare(self, table, rows, sizes):
        self.run(self.program("molrt"), "init", "-o", self.model, *sizes)
        self.run(self.program("molrt_bench_engine"), "prepare", self.model, table, self.molecules,
                 "--rows", rows)

    def command(self, name):
        """-> words, environment"""
        threads = {"OMP_NUM_THREADS": str(self.threads)}
        if name == "molrt":
            return [self.program("molrt_bench_engine"), "serve", self.model, self.molecules,
                    "--threads", self.threads], threads
        if name == "torch":
            return [sys.executable, HERE / "peer_torch.py", "serve", self.model, self.molecules,
                    self.threads], threads | torch_environment()
        return ["node", HERE / "peer_ort.js", self.module, self.onnx, self.molecules, self.threads,
                self.configuration()["vocabulary"]], threads

    def configuration(self):
        """The model's sizes."""
        with open(self.model, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return json.loads(header["__metadata__"]["configuration"])

    def check(self, name):
        """Absent where the engine cannot be started; writes the model that ONNX Runtime reads."""
        if name == "molrt":
            return
        probe = [sys.executable, "-c", "import torch"]
        if subprocess.run(probe, capture_output=True).returncode != 0:
            raise Absent("no PyTorch" + (" to write its model" if name == "ort" else ""))
        if name == "torch":
            return
        if not shutil.which("node") or not self.module.is_dir():
            raise Absent("no node" if not shutil.which("node") else f"no {self.module}")
        self.run(sys.executable, HERE / "peer_torch.py", "export", self.model, self.molecules,
                 self.onnx, environment=torch_environment())

    def start(self, name):
        words, environment = self.command(name)
        return Engine(words, environment, self.log)
