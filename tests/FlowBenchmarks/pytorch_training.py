"""Steps a second of PyTorch eager on the networks of `flow train`'s presets nsf and realnvp: the yardstick beside the compiled trainer.

    python3 tests/FlowBenchmarks/pytorch_training.py

One thread, float32, AdamW, clipped gradients: the same layers, widths and batches as `FlowBenchmarks -- training`.
"""

import math
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


class ResidualNet(nn.Module):
    def __init__(self, inputs, outputs, width=64, blocks=2):
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width)]) for _ in range(blocks))
        self.last = nn.Linear(width, outputs)

    def forward(self, h):
        h = self.first(h)
        for a, b in self.blocks:
            h = h + b(F.relu(a(F.relu(h))))
        return self.last(h)


def spline(x, raw, bins=4, bound=5.0, least=1e-3):
    """A rational-quadratic spline with linear tails (Durkan et al. 2019, arXiv 1906.04032)."""
    inside = (x >= -bound) & (x <= bound)
    clamped = torch.where(inside, x, torch.zeros_like(x))
    widths = least + (1 - least * bins) * raw[..., :bins].softmax(-1)
    heights = least + (1 - least * bins) * raw[..., bins:2 * bins].softmax(-1)
    slopes = F.pad(least + F.softplus(raw[..., 2 * bins:]), (1, 1), value=1.0)
    xs = F.pad(2 * bound * widths.cumsum(-1) - bound, (1, 0), value=-bound)
    ys = F.pad(2 * bound * heights.cumsum(-1) - bound, (1, 0), value=-bound)
    at = (xs[..., 1:-1] <= clamped.unsqueeze(-1)).sum(-1, keepdim=True)
    take = lambda table, index: table.gather(-1, index).squeeze(-1)
    x0, y0, d0, d1 = take(xs, at), take(ys, at), take(slopes, at), take(slopes, at + 1)
    width, height = take(xs, at + 1) - x0, take(ys, at + 1) - y0
    s, t = height / width, (clamped - x0) / width
    t1 = t * (1 - t)
    denominator = s + (d0 + d1 - 2 * s) * t1
    y = y0 + height * (s * t * t + d0 * t1) / denominator
    log = 2 * s.log() + (d1 * t * t + 2 * s * t1 + d0 * (1 - t) ** 2).log() - 2 * denominator.log()
    return torch.where(inside, y, x), torch.where(inside, log, torch.zeros_like(log))


class Nsf(nn.Module):
    def __init__(self, width, layers=8, bins=4):
        super().__init__()
        self.arcsinh = nn.Parameter(torch.zeros(width, 2))
        self.orders = [torch.randperm(width) for _ in range(layers)]
        self.lower = nn.ParameterList(nn.Parameter(torch.zeros(width, width)) for _ in range(layers + 1))
        self.upper = nn.ParameterList(nn.Parameter(torch.zeros(width, width)) for _ in range(layers + 1))
        self.diagonal = nn.ParameterList(nn.Parameter(torch.full((width,), 0.54)) for _ in range(layers + 1))
        self.bias = nn.ParameterList(nn.Parameter(torch.zeros(width)) for _ in range(layers + 1))
        self.halves = [(torch.arange(i % 2, width, 2), torch.arange(1 - i % 2, width, 2)) for i in range(layers)]
        self.nets = nn.ModuleList(ResidualNet(len(kept), len(moved) * (3 * bins - 1)) for kept, moved in self.halves)

    def linear(self, i, x):
        pivots = F.softplus(self.diagonal[i]) + 1e-3
        x = F.linear(F.linear(x, self.upper[i].triu(1) + pivots.diag()), self.lower[i].tril(-1) + torch.eye(x.shape[1]), self.bias[i])
        return x, pivots.log().sum()

    def log_prob(self, x):
        slope = (self.arcsinh[:, 0] - 2).exp()
        angle = ((x - self.arcsinh[:, 1]) * slope).asinh()
        x, log_det = angle / slope, -angle.cosh().log().sum(1)
        for i, (kept, moved) in enumerate(self.halves):
            x, log = self.linear(i, x[:, self.orders[i]])
            log_det = log_det + log
            raw = self.nets[i](x[:, kept]).reshape(x.shape[0], len(moved), -1)
            y, log = spline(x[:, moved], raw)
            x = x.index_copy(1, moved, y)
            log_det = log_det + log.sum(1)
        x, log = self.linear(len(self.halves), x)
        return log_det + log - 0.5 * x.square().sum(1) - 0.5 * math.log(2 * math.pi) * x.shape[1]


class RealNvp(nn.Module):
    def __init__(self, width, layers=8, hidden=64):
        super().__init__()
        self.scale = nn.ParameterList(nn.Parameter(torch.zeros(width)) for _ in range(layers))
        self.shift = nn.ParameterList(nn.Parameter(torch.zeros(width)) for _ in range(layers))
        half = width // 2
        everything = torch.arange(width)
        self.halves = [(everything[:half], everything[half:]) if i % 2 == 0 else (everything[half:], everything[:half]) for i in range(layers)]
        self.nets = nn.ModuleList(nn.Sequential(
            nn.Linear(len(kept), hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2 * len(moved))) for kept, moved in self.halves)

    def log_prob(self, x):
        log_det = 0
        for i, (kept, moved) in enumerate(self.halves):
            x = x * self.scale[i].exp() + self.shift[i]
            raw = self.nets[i](x[:, kept]).reshape(x.shape[0], len(moved), 2)
            log = (raw[..., 1] / 2).tanh() * 2
            x = x.index_copy(1, moved, x[:, moved] * log.exp() + raw[..., 0])
            log_det = log_det + log.sum(1) + self.scale[i].sum()
        return log_det - 0.5 * x.square().sum(1) - 0.5 * math.log(2 * math.pi) * x.shape[1]


def steps_per_second(flow, rows, seconds=1.0):
    adam = torch.optim.AdamW(flow.parameters(), 1e-3)
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < seconds or steps < 3:
        adam.zero_grad()
        (-flow.log_prob(rows).mean()).backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 5)
        adam.step()
        steps += 1
    return steps / (time.perf_counter() - started)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(1)
    print(f"| PyTorch {torch.__version__}, one thread | steps/s |\n|---|---:|")
    for name, make, width, batch in [
        ("nsf, 6 columns", Nsf, 6, 32), ("nsf, 6 columns", Nsf, 6, 128), ("nsf, 30 columns", Nsf, 30, 256),
        ("realnvp, 6 columns", RealNvp, 6, 64), ("realnvp, 30 columns", RealNvp, 30, 256),
    ]:
        flow, rows = make(width), torch.randn(batch, width)
        steps_per_second(flow, rows, 0.3)
        print(f"| {name}, batch {batch} | {statistics.median(steps_per_second(flow, rows) for _ in range(3)):.1f} |", flush=True)
