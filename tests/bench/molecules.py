"""What `molrt_bench_engine prepare` wrote, padded as the peers read it."""

import json

import numpy


def read_safetensors(path):
    """-> {name: array}, metadata; of F32 tensors alone"""
    data = numpy.fromfile(path, dtype=numpy.uint8)
    start = 8 + int(data[:8].view("<u8")[0])
    header = json.loads(data[8:start].tobytes())
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        tensors[name] = data[begin:end].view("<f4").reshape(entry["shape"])
    return tensors, metadata


def read_molecules(path):
    """-> [(tokens [n], coordinates [n, 3])]"""
    tensors, _ = read_safetensors(path)
    ends = numpy.cumsum(tensors["lengths"]).astype(int)[:-1]
    tokens = numpy.split(tensors["tokens"].astype(numpy.int64), ends)
    return list(zip(tokens, numpy.split(tensors["coordinates"], ends)))


def distances(coordinates):
    difference = coordinates[:, None].astype(numpy.float64) - coordinates[None]
    return numpy.sqrt((difference**2).sum(-1)).astype(numpy.float32)


def pad(molecules, vocabulary):
    """-> tokens [b, n], padding [b, n], distance [b, n, n], edge types [b, n, n]"""
    longest = max(len(tokens) for tokens, _ in molecules)
    tokens = numpy.zeros((len(molecules), longest), numpy.int64)
    padding = numpy.ones((len(molecules), longest), bool)
    distance = numpy.zeros((len(molecules), longest, longest), numpy.float32)
    for i, (own, coordinates) in enumerate(molecules):
        n = len(own)
        tokens[i, :n], padding[i, :n], distance[i, :n, :n] = own, False, distances(coordinates)
    return tokens, padding, distance, tokens[:, :, None] * vocabulary + tokens[:, None, :]


def batches(molecules, order, size):
    """Indices of the molecules: in the order of the dataset, or sorted by length."""
    indices = list(range(len(molecules)))
    if order == "sorted":
        indices.sort(key=lambda i: len(molecules[i][0]))
    return [indices[i:i + size] for i in range(0, len(indices), size)]
