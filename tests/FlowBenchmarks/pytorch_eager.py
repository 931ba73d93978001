"""What PyTorch itself makes of the device table's first model, from host memory to host memory: eager, as a user would write it; by
torch.compile; and under a CUDA graph, which is the best that a user could write.

    python3 tests/FlowBenchmarks/pytorch_eager.py [cuda]

The model is normflows' RealNVP of tests/golden/normflows/realnvp_masked: 8 masked affine couplings and ActNorm layers, 30 features.
"""
import json
import math
import pathlib
import statistics
import struct
import sys
import time

import numpy
import torch
from torch.nn import functional

WEIGHTS = pathlib.Path(__file__).parent.parent / "golden/normflows/realnvp_masked/weights.safetensors"
BATCHES = [1, 64, 4096, 262144]
WARM_UPS, LEAST_CALLS, LEAST_SECONDS = 5, 5, 0.5


def read(path, device):
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    types = {"F32": numpy.float32, "F64": numpy.float64, "I64": numpy.int64}
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            first, end = entry["data_offsets"]
            values = numpy.frombuffer(data[start + first:start + end], types[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = torch.from_numpy(values.copy()).to(device)
    return tensors


class RealNvp:
    def __init__(self, weights):
        self.weights = weights
        self.layers = sorted({int(name.split(".")[1]) for name in weights if name.startswith("flows.")})

    def network(self, name, rows):
        hidden = functional.leaky_relu(functional.linear(rows, self.weights[f"{name}.net.0.weight"], self.weights[f"{name}.net.0.bias"]), 0.01)
        return functional.linear(hidden, self.weights[f"{name}.net.2.weight"], self.weights[f"{name}.net.2.bias"])

    @torch.inference_mode()
    def log_prob(self, rows):
        log_det = torch.zeros(len(rows), device=rows.device)
        for layer in (f"flows.{i}" for i in reversed(self.layers)):
            if f"{layer}.b" in self.weights:
                mask = self.weights[f"{layer}.b"]
                kept = mask * rows
                log_scale, shift = self.network(f"{layer}.s", kept), self.network(f"{layer}.t", kept)
                rows = kept + (1 - mask) * (rows - shift) * torch.exp(-log_scale)
                log_det -= ((1 - mask) * log_scale).sum(1)
            else:
                log_scale, shift = self.weights[f"{layer}.s"], self.weights[f"{layer}.t"]
                rows = (rows - shift) * torch.exp(-log_scale)
                log_det -= log_scale.sum()
        loc, log_scale = self.weights["q0.loc"], self.weights["q0.log_scale"]
        unit = (rows - loc) * torch.exp(-log_scale)
        return log_det - 0.5 * (unit * unit).sum(1) - log_scale.sum() - 0.5 * rows.shape[1] * math.log(2 * math.pi)


def eager(model, device, count):
    return lambda rows: model.log_prob(torch.from_numpy(rows).to(device)).cpu().numpy()


def compiled(model, device, count):
    call = torch.compile(model.log_prob)
    return lambda rows: call(torch.from_numpy(rows).to(device)).cpu().numpy()


def graph(model, device, count):
    """One graph for this size of a batch, between page-locked memory of its own."""
    given, there = torch.empty(count, 30).pin_memory(), torch.empty(count, 30, device=device)
    back = torch.empty(count).pin_memory()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            model.log_prob(there)
    torch.cuda.current_stream().wait_stream(stream)
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        there.copy_(given, non_blocking=True)
        back.copy_(model.log_prob(there), non_blocking=True)

    def call(rows):
        given.copy_(torch.from_numpy(rows))
        captured.replay()
        torch.cuda.synchronize()
        return back.numpy()

    return call


def rows_per_second(call, count):
    rows = numpy.random.default_rng(1).standard_normal((count, 30), numpy.float32)
    times, began = [], time.perf_counter()
    while len(times) < WARM_UPS + LEAST_CALLS or time.perf_counter() - began < LEAST_SECONDS:
        start = time.perf_counter()
        call(rows)
        times.append(time.perf_counter() - start)
    return count / statistics.median(times[WARM_UPS:])


def main():
    device = sys.argv[1] if len(sys.argv) > 1 else "cuda"
    model = RealNvp(read(WEIGHTS, device))
    ways = [eager, compiled] + ([graph] if device.startswith("cuda") else [])
    print(f"PyTorch {torch.__version__}, {device}\n\n| model | operation | way | rows | rows/s |\n|---|---|---|---:|---:|")
    for way in ways:
        for count in BATCHES:
            try:
                rate = f"{rows_per_second(way(model, device, count), count):.0f}"
            except Exception as failure:  # torch.compile needs a compiler of C, which not every machine has
                rate = f"none: {type(failure).__name__}"
            print(f"| normflows/realnvp_masked | logprob | {way.__name__} | {count} | {rate} |", flush=True)


main()
