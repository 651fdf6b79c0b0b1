#!/usr/bin/env python3
"""Evaluates a radiance field fitted by recon with PyTorch; this is the loader of docs/neural-rendering.md.

    venv/bin/python tools/radiance-in-pytorch.py runs/nerf/hash-grid/checkpoint.safetensors RAYS.json

RAYS.json: a list of [x, y, z, dx, dy, dz], points in field coordinates and unit viewing directions. Prints four numbers
per line, raw density and raw colour: density = exp(raw) per half the box's longest edge, colour = 1 / (1 + exp(-raw)).
Supports the encodings `identity`, `nerf` and `hash_grid`, the activations `relu` and `sine`, and every `direction`.
"""
import sys
import json
import math

import torch
from safetensors import safe_open


def load(path):
    with safe_open(path, "pt") as file:
        field = json.loads(file.metadata()["config"])["field"]
        fine = any(name.startswith("field.fine.") for name in file.keys())      # the network that renders the pictures
        prefix = "field.fine." if fine else "field."
        return field, {name[len(prefix):]: file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}


def field(f, t, x, d):                                     # points and directions [n, 3] -> raw density and colour [n, 4]
    act = torch.relu if "relu" in f["activation"] else lambda z: torch.sin(f["activation"]["sine"]["omega"] * z)
    layer = lambda k, h: h @ t[f"layers.{k}.weight"].T + t[f"layers.{k}.bias"]
    h = e = encode(*list(f["encoding"].items())[0], t, x)
    for k in range(f["depth"]):
        h = act(layer(k, torch.cat([h, e], 1) if k == f["skip"] else h))
    h = layer(f["depth"], h)                               # raw density, then what the colour is told of the point
    c = torch.cat([h[:, 1:], direction(f["direction"], d)], 1)
    for k in range(f["depth"] + 1, f["depth"] + 1 + f["color_depth"]):
        c = act(layer(k, c))
    return torch.cat([h[:, :1], layer(f["depth"] + 1 + f["color_depth"], c)], 1)


def encode(kind, shape, t, x):
    if kind == "identity":
        return x
    if kind == "nerf":
        phases = torch.cat([2**k * math.pi * x for k in range(shape["octaves"])], 1)
        return torch.cat([phases.cos(), phases.sin()], 1)
    first, parts = 0, []                                   # hash_grid: trilinear in each level's rows of the table
    for level in range(shape["levels"]):
        growth = (shape["finest"] / shape["base"]) ** (1 / (max(shape["levels"], 2) - 1))
        n = math.floor(shape["base"] * growth**level + 1e-6) + 1
        rows = min(n**3, 2 ** shape["log2_table"])
        at = ((x + 1) / 2 * (n - 1)).clamp(0, n - 1)
        low = at.floor().clamp(max=n - 2)
        part = 0
        for corner in range(8):
            upper = torch.tensor([corner >> k & 1 for k in range(3)])
            i = (low + upper).long()
            hashed = i[:, 0] ^ i[:, 1] * 2654435761 ^ i[:, 2] * 805459861
            row = i @ torch.tensor([1, n, n * n]) if n**3 <= rows else hashed % rows
            weight = torch.where(upper == 1, at - low, 1 - (at - low)).prod(1, keepdim=True)
            part = part + weight * t["encoding.table"][first + row]
        first, parts = first + rows, parts + [part]
    return torch.cat(parts, 1)


def direction(kind, d):
    if kind == "none":
        return d[:, :0]
    if kind == "waves":
        return torch.cat([d] + [wave(2**k * math.pi * d) for k in range(4) for wave in (torch.sin, torch.cos)], 1)
    x, y, z = d.T                                          # real spherical harmonics up to degree 3, m = -l .. l
    r = lambda q: math.sqrt(q / math.pi)
    return torch.stack([0.5 * r(1) + 0 * x, -r(0.75) * y, r(0.75) * z, -r(0.75) * x, r(3.75) * x * y, -r(3.75) * y * z,
                        r(5 / 16) * (3 * z * z - 1), -r(3.75) * x * z, r(15 / 16) * (x * x - y * y),
                        -r(35 / 32) * y * (3 * x * x - y * y), r(105 / 4) * x * y * z, -r(21 / 32) * y * (5 * z * z - 1),
                        r(7 / 16) * z * (5 * z * z - 3), -r(21 / 32) * x * (5 * z * z - 1),
                        r(105 / 16) * z * (x * x - y * y), -r(35 / 32) * x * (x * x - 3 * y * y)], 1)


def main(path, rays):
    shape, tensors = load(path)
    with open(rays) as file:
        points = torch.tensor(json.load(file))
    for values in field(shape, tensors, points[:, :3], points[:, 3:]).tolist():
        print(*map(repr, values))


if __name__ == "__main__":
    main(*sys.argv[1:])
