"""Compares the training speed of a radiance field (hash grid, instant-ngp's small networks) with eager PyTorch.

usage: python benches/peers/radiance.py SECONDS_OF_RECON's_STEP RAYS SAMPLES_A_RAY [steps]

A step: RAYS rays of SAMPLES_A_RAY samples each through a hash grid of 8 levels of 2 features (2^16 rows, 8 to 128
cells), one layer of 64 neurons for the density, 16 spherical harmonics (degree 3) and 2 x 64 neurons for the colour,
emission-absorption rendering, mean of squares, backward, Adam. recon's side is a run with `cells: 0`, so that it skips
no sample: its `steps_per_second` is in report.json.
"""
import os
import statistics
import sys
import time

import torch

recon, rays, samples = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
steps = int(sys.argv[4]) if len(sys.argv) > 4 else 10
torch.set_num_threads(os.cpu_count())
PRIMES = torch.tensor([1, 2654435761, 805459861])


class Field(torch.nn.Module):
    def __init__(self, levels=8, features=2, base=8, finest=128, rows=1 << 16):
        super().__init__()
        growth = (finest / base) ** (1 / (levels - 1))
        self.cells = [int(base * growth**k + 1e-6) for k in range(levels)]
        self.tables = torch.nn.ParameterList(
            torch.nn.Parameter(1e-4 * torch.rand(min((n + 1) ** 3, rows), features)) for n in self.cells)
        line, relu = torch.nn.Linear, torch.nn.ReLU
        self.density = torch.nn.Sequential(line(levels * features, 64), relu(), line(64, 16))
        self.color = torch.nn.Sequential(line(15 + 16, 64), relu(), line(64, 64), relu(), line(64, 3))

    def forward(self, points, directions):
        parts = []
        for n, table in zip(self.cells, self.tables):
            at = (points + 1) / 2 * n
            low = at.floor().clamp(0, n - 1).long()
            part, sum = at - low, 0
            for corner in range(8):
                upper = torch.tensor([corner >> k & 1 for k in range(3)])
                node = low + upper
                if (n + 1) ** 3 <= len(table):
                    row = node[:, 0] + (n + 1) * (node[:, 1] + (n + 1) * node[:, 2])
                else:
                    hashed = node * PRIMES
                    row = (hashed[:, 0] ^ hashed[:, 1] ^ hashed[:, 2]) % len(table)
                weight = torch.where(upper.bool(), part, 1 - part).prod(1, keepdim=True)
                sum = sum + weight * table[row]
            parts.append(sum)
        h = self.density(torch.cat(parts, 1))
        return h[:, 0], self.color(torch.cat([h[:, 1:], directions], 1))


torch.manual_seed(0)
field = Field()
optimizer = torch.optim.Adam(field.parameters(), lr=1e-2)


def step():
    begin = time.perf_counter()
    points = torch.rand(rays * samples, 3) * 2 - 1
    directions = torch.rand(rays, 16).repeat_interleave(samples, 0)
    raw, color = field(points, directions)
    matter = torch.exp(raw).view(rays, samples) * 0.03
    before = torch.cumsum(matter, 1) - matter
    weights = torch.exp(-before) * (1 - torch.exp(-matter))
    seen = (weights[..., None] * torch.sigmoid(color).view(rays, samples, 3)).sum(1) + 1 - weights.sum(1, keepdim=True)
    optimizer.zero_grad()
    (seen - 0.5).square().mean().backward()
    optimizer.step()
    return time.perf_counter() - begin


step()
theirs = statistics.median(step() for _ in range(steps))
print(f"{rays} rays of {samples} samples, {torch.get_num_threads()} threads: PyTorch {torch.__version__} {1 / theirs:.2f} steps/s, "
      f"recon {1 / recon:.2f} steps/s, ratio {theirs / recon:.1f}")
