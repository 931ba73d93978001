"""What PyTorch itself makes of the device table's models, from host memory to host memory: eager, as a user would write it; by
torch.compile; and under a CUDA graph, which is the best that a user could write.

    python3 tests/FlowBenchmarks/pytorch_eager.py [cuda [MOST_ROWS]]

The models are normflows' RealNVP of tests/golden/normflows/realnvp_masked, 8 masked affine couplings and ActNorm layers of 30 features;
a RealNVP of 8 couplings, 30 features, networks of 128 x 2; and a coupling NSF of 6 layers, 16 features, 128 x 2, 8 bins; the last two
with random weights.
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


class NormflowsRealNvp:
    name, features = "normflows/realnvp_masked", 30

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


class Coupling:
    """Layers that map one half of the features, in turn, by what a network makes of the other."""

    def __init__(self, features, layers, outputs, device):
        generator = torch.Generator().manual_seed(1)
        sizes = [features // 2, 128, 128, features // 2 * outputs]
        self.features, self.layers = features, [
            [tuple((0.1 * torch.randn(*shape, generator=generator)).to(device) for shape in ((to, of), (to,))) for of, to in zip(sizes, sizes[1:])]
            for _ in range(layers)]

    @torch.inference_mode()
    def log_prob(self, rows):
        half, log_det = self.features // 2, torch.zeros(len(rows), device=rows.device)
        for i, layers in enumerate(self.layers):
            kept, mapped = (rows[:, :half], rows[:, half:]) if i % 2 == 0 else (rows[:, half:], rows[:, :half])
            hidden = kept
            for weight, bias in layers[:-1]:
                hidden = torch.relu(functional.linear(hidden, weight, bias))
            mapped, log_slopes = self.element(mapped, functional.linear(hidden, *layers[-1]).view(len(rows), half, -1))
            log_det = log_det + log_slopes.sum(1)
            rows = torch.cat((kept, mapped) if i % 2 == 0 else (mapped, kept), 1)
        return log_det - 0.5 * (rows * rows).sum(1) - 0.5 * self.features * math.log(2 * math.pi)


class RealNvp(Coupling):
    name = "RealNVP: 8 couplings, 30 features, 128 x 2"

    def __init__(self, device):
        super().__init__(30, 8, 2, device)

    def element(self, x, parameters):
        return x * torch.exp(parameters[..., 0]) + parameters[..., 1], parameters[..., 0]


class Nsf(Coupling):
    name, bins, bound, least = "RQ-NSF coupling: 6 layers, 16 features, 128 x 2, 8 bins", 8, 5.0, 1e-3

    def __init__(self, device):
        super().__init__(16, 6, 3 * self.bins - 1, device)

    def knots(self, raw):
        shares = self.least + (1 - self.least * self.bins) * functional.softmax(raw, -1)
        return functional.pad(2 * self.bound * shares.cumsum(-1) - self.bound, (1, 0), value=-self.bound)

    def element(self, x, parameters):
        widths, heights, slopes = parameters.split((self.bins, self.bins, self.bins - 1), -1)
        xs, ys = self.knots(widths), self.knots(heights)
        ds = functional.pad(self.least + functional.softplus(slopes), (1, 1), value=1.0)
        inside, clamped = x.abs() <= self.bound, x.clamp(-self.bound, self.bound)
        bin = (clamped[..., None] >= xs[..., 1:-1]).sum(-1, keepdim=True)
        x0, x1, y0, y1, d0, d1 = (values.gather(-1, bin + more)[..., 0] for values in (xs, ys, ds) for more in (0, 1))
        slope, t = (y1 - y0) / (x1 - x0), (clamped - x0) / (x1 - x0)
        denominator = slope + (d0 + d1 - 2 * slope) * t * (1 - t)
        y = y0 + (y1 - y0) * (slope * t * t + d0 * t * (1 - t)) / denominator
        log_slope = torch.log(slope * slope * (d1 * t * t + 2 * slope * t * (1 - t) + d0 * (1 - t) * (1 - t))) - 2 * torch.log(denominator)
        return torch.where(inside, y, x), torch.where(inside, log_slope, torch.zeros_like(x))


def eager(model, device, count):
    return lambda rows: model.log_prob(torch.from_numpy(rows).to(device)).cpu().numpy()


def compiled(model, device, count):
    call = torch.compile(model.log_prob)
    return lambda rows: call(torch.from_numpy(rows).to(device)).cpu().numpy()


def graph(model, device, count):
    """One graph for this size of a batch, between page-locked memory of its own."""
    given, there = torch.empty(count, model.features).pin_memory(), torch.empty(count, model.features, device=device)
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


def rows_per_second(call, count, features):
    rows = numpy.random.default_rng(1).standard_normal((count, features), numpy.float32)
    times, began = [], time.perf_counter()
    while len(times) < WARM_UPS + LEAST_CALLS or time.perf_counter() - began < LEAST_SECONDS:
        start = time.perf_counter()
        call(rows)
        times.append(time.perf_counter() - start)
    return count / statistics.median(times[WARM_UPS:])


def main():
    device = sys.argv[1] if len(sys.argv) > 1 else "cuda"
    most = int(sys.argv[2]) if len(sys.argv) > 2 else BATCHES[-1]
    ways = [eager] + ([graph] if device.startswith("cuda") else []) + [compiled]  # the slowest to begin with comes last
    print(f"PyTorch {torch.__version__}, {device}\n\n| model | operation | way | rows | rows/s |\n|---|---|---|---:|---:|")
    models = [NormflowsRealNvp(read(WEIGHTS, device)), RealNvp(device), Nsf(device)]
    for way in ways:
        for model in models:
            for count in (count for count in BATCHES if count <= most):
                try:
                    rate = f"{rows_per_second(way(model, device, count), count, model.features):.0f}"
                except Exception as failure:  # torch.compile needs a compiler of C, which not every machine has
                    rate = f"none: {type(failure).__name__}"
                print(f"| {model.name} | logprob | {way.__name__} | {count} | {rate} |", flush=True)


main()
