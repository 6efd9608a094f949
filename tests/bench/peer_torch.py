"""PyTorch as run.py's engine (README.md, the protocol).

usage: peer_torch.py serve MODEL MOLECULES THREADS
       peer_torch.py export MODEL MOLECULES FILE     # for ONNX Runtime
"""

import contextlib
import copy
import ctypes
import json
import re
import resource
import sys
import time

import numpy
import torch
from molecules import batches, pad, read_molecules, read_safetensors
from unimol_torch import UniMol


def load(path):
    tensors, metadata = read_safetensors(path)
    configuration = json.loads(metadata["configuration"])
    model = UniMol(**configuration)
    own = {name: torch.from_numpy(values.copy()) for name, values in tensors.items()}
    missing = model.load_state_dict(own, strict=False).missing_keys
    assert all(name.startswith("classification_head") for name in missing), missing
    return model.eval(), configuration


def blas():
    """The library that this process really has: its path, and what OpenBLAS says of itself."""
    torch.ones(2, 2) @ torch.ones(2, 2)
    with open("/proc/self/maps") as maps:
        paths = set(re.findall(r"/\S*(?:blas|mkl)\S*", maps.read()))
    for path in sorted(paths):
        with contextlib.suppress(AttributeError):
            config = ctypes.CDLL(path).openblas_get_config
            config.restype = ctypes.c_char_p
            return f"{config().decode()} ({path})"
    return ", ".join(sorted(paths))


def precision(name):
    if name == "f32":
        return contextlib.nullcontext()
    if name == "bf16":
        return torch.autocast("cpu", torch.bfloat16)
    raise ValueError(f"no precision {name}")


def clocked(work):
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}


class Engine:
    def __init__(self, model, molecules, threads):
        torch.set_num_threads(int(threads))
        self.model, self.configuration = load(model)
        self.molecules = read_molecules(molecules)
        self.padded, self.training = {}, None

    def hello(self):
        return {"engine": "torch", "version": torch.__version__, "threads": torch.get_num_threads(),
                "blas": blas(), "capability": torch.backends.cpu.get_cpu_capability()
                if hasattr(torch.backends, "cpu") else re.search(
                    r"CPU capability usage: (\w+)", torch.__config__.show()).group(1)}

    def inputs(self, indices):
        padded = pad([self.molecules[i] for i in indices], self.configuration["vocabulary"])
        return [torch.from_numpy(array) for array in padded]

    def batches(self, order, size):
        if (order, size) not in self.padded:
            chosen = batches(self.molecules, order, size)
            self.padded[order, size] = [(indices, self.inputs(indices)) for indices in chosen]
        return self.padded[order, size]

    def cls(self, mode, order, size):
        out = torch.empty(len(self.molecules), self.configuration["width"])
        with torch.no_grad(), precision(mode):
            for indices, inputs in self.batches(order, size):
                out[indices] = self.model(*inputs).float()
        return out

    def throughput(self, mode, order, size):
        self.batches(order, int(size))
        return clocked(lambda: self.cls(mode, order, int(size)))

    def outputs(self, mode, path):
        self.cls(mode, "sorted", 16).numpy().astype(numpy.float32).tofile(path)
        return {}

    def latency(self, mode, index, count):
        """One call before those that count, so that autocast has cast its weights."""
        inputs, seconds = self.inputs([int(index)]), []
        with torch.no_grad(), precision(mode):
            for _ in range(int(count) + 1):
                start = time.perf_counter()
                self.model(*inputs)
                seconds.append(time.perf_counter() - start)
        return {"seconds": seconds[1:]}

    def step(self, mode, size):
        if self.training is None:
            self.training = Training(self.model, self.inputs(range(int(size))))
        return clocked(lambda: self.training.step(mode))

    def memory(self):
        return {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


class Training:
    """All parameters, Adam, dropout, the same molecules in every step."""

    def __init__(self, model, inputs):
        self.model, self.inputs = copy.deepcopy(model).train(), inputs
        self.targets = torch.arange(len(inputs[0])).remainder(7).float()
        self.adam = torch.optim.Adam(self.model.parameters(), lr=1e-5, eps=1e-6)

    def step(self, mode):
        self.adam.zero_grad(set_to_none=True)
        with precision(mode):
            predictions = self.model.classification_head(self.model(*self.inputs)).squeeze(-1)
        torch.nn.functional.mse_loss(predictions.float(), self.targets).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5)
        self.adam.step()


def export(model, molecules, path):
    engine = Engine(model, molecules, 1)
    names = ["tokens", "padding", "distance", "edge_type"]
    axes = {name: dict(enumerate(["b", "n", "n"][:2 if i < 2 else 3])) for i, name in enumerate(names)}
    with torch.no_grad():
        torch.onnx.export(engine.model, tuple(engine.inputs([0, 1])), path, opset_version=16,
                          input_names=names, output_names=["cls"], dynamic_axes=axes | {"cls": {0: "b"}})


def answer(engine, line):
    command, *words = line.split()
    try:
        return getattr(engine, command)(*words)
    except Exception as error:  # whatever it is, the table leaves the row out
        return {"error": f"{type(error).__name__}: {error}"}


def serve(model, molecules, threads):
    engine = Engine(model, molecules, threads)
    print(json.dumps(engine.hello()), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(engine, line)), flush=True)


if __name__ == "__main__":
    {"serve": serve, "export": export}[sys.argv[1]](*sys.argv[2:])
