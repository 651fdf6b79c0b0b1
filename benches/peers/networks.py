"""Common coordinate networks in plain, eager PyTorch."""
import math

import torch


class Siren(torch.nn.Module):
    def __init__(self, inputs, width=256, depth=3, omega=30.0):
        super().__init__()
        sizes = [inputs] + [width] * depth + [1]
        self.layers = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.omega = omega
        for k, layer in enumerate(self.layers):
            bound = 1 / inputs if k == 0 else math.sqrt(6 / width) / omega
            torch.nn.init.uniform_(layer.weight, -bound, bound)

    def forward(self, h):
        for layer in self.layers[:-1]:
            h = torch.sin(self.omega * layer(h))
        return self.layers[-1](h)[:, 0]


class HashGrid(torch.nn.Module):
    """Hash grid of Müller et al. 2022 in plain PyTorch: one gather per level and corner."""

    primes = [1, 2654435761, 805459861]

    def __init__(self, inputs, levels=8, features=2, base=4, finest=128, log2_table=17, width=64):
        super().__init__()
        growth = (finest / base) ** (1 / (levels - 1))
        self.inputs, self.size = inputs, 2**log2_table
        self.cells = [int(base * growth**level + 1e-6) for level in range(levels)]
        rows = [min(self.size, (n + 1) ** inputs) for n in self.cells]
        self.tables = torch.nn.ParameterList(torch.empty(n, features).uniform_(-1e-4, 1e-4) for n in rows)
        Linear, ReLU = torch.nn.Linear, torch.nn.ReLU
        self.network = torch.nn.Sequential(Linear(levels * features, width), ReLU(), Linear(width, width), ReLU(), Linear(width, 1))

    def forward(self, p):
        encoded = []
        for cells, table in zip(self.cells, self.tables):
            t = ((p + 1) * (cells / 2)).clamp(0, cells)
            low = t.floor().clamp(max=cells - 1)
            part, low = t - low, low.long()
            total = 0
            for corner in range(2**self.inputs):
                bits = [corner >> k & 1 for k in range(self.inputs)]
                row, weight = 0, 1
                for k, bit in enumerate(bits):
                    node = low[:, k] + bit
                    row = row ^ (node * self.primes[k]) if len(table) == self.size else row + node * (cells + 1) ** k
                    weight = weight * (part[:, k] if bit else 1 - part[:, k])
                total = total + weight[:, None] * table[row % self.size if len(table) == self.size else row]
            encoded.append(total)
        return self.network(torch.cat(encoded, 1))[:, 0]
