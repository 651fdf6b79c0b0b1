#!/usr/bin/env python3
"""Evaluates a field fitted by recon with PyTorch; this is the loader of docs/fields.md.

    python3 -m venv venv && venv/bin/pip install torch safetensors
    venv/bin/python tools/field-in-pytorch.py runs/ct/siren/checkpoint.safetensors POINTS.json

POINTS.json: a list of points [x, y, z] in field coordinates. Prints mu / mu_ref at each point, one per line. Supports
`siren`, and `mlp` with the encodings `identity` and `fourier`, the activation `relu` and the output `linear`.
"""
import sys
import json
import math

import torch
from safetensors import safe_open


def load(path):
    with safe_open(path, "pt") as file:
        field = json.loads(file.metadata()["config"])["field"]
        return field, {name[6:]: file.get_tensor(name) for name in file.keys() if name.startswith("field.")}


def siren(shape, t, h):                                    # h: points [n, inputs] in field coordinates -> mu / mu_ref [n]
    for k in range(shape["depth"]):
        h = torch.sin(shape["omega"] * (h @ t[f"layers.{k}.weight"].T + t[f"layers.{k}.bias"]))
    return (h @ t[f"layers.{shape['depth']}.weight"].T + t[f"layers.{shape['depth']}.bias"])[:, 0]


def mlp(shape, t, v):                                      # encoding fourier or identity, activation relu, output linear
    h = v
    if "fourier" in shape["encoding"]:
        phases = 2 * math.pi * v @ t["encoding.frequencies"].T
        h = torch.cat([phases.cos(), phases.sin()], 1)
    e = h
    for k in range(shape["depth"]):
        h = torch.cat([h, e], 1) if k in shape["skip"] else h
        h = torch.relu(h @ t[f"layers.{k}.weight"].T + t[f"layers.{k}.bias"])
    return shape["output_scale"] * (h @ t[f"layers.{shape['depth']}.weight"].T + t[f"layers.{shape['depth']}.bias"])[:, 0]


def main(path, points):
    field, tensors = load(path)
    (kind, shape), = field.items()
    with open(points) as file:
        values = {"siren": siren, "mlp": mlp}[kind](shape, tensors, torch.tensor(json.load(file)))
    print("\n".join(repr(value) for value in values.tolist()))


if __name__ == "__main__":
    main(*sys.argv[1:])
