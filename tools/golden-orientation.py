#!/usr/bin/env python3
"""Reference sinograms of the orientation tests (tests/contracts/orientation.rs), computed with the ASTRA toolbox.

    python3 -m venv venv && venv/bin/pip install astra-toolbox==2.5.0 && venv/bin/python tools/golden-orientation.py

They are independent of recon's vectors: ASTRA gets angles in its own convention (its angle is recon's + 90 degrees) and
an image whose rows run along -y, drawn by numpy from the ellipses below. Rays go through pixel centres.
"""
import astra
import numpy as np

# x, y, semi-axis a, semi-axis b (mm), degrees from +x to +y, density; chosen to have no symmetry.
ELLIPSES = [(15.0, 5.0, 10.0, 20.0, 25.0, 1.0), (-20.0, 10.0, 5.0, 10.0, -40.0, 2.0)]
SIDE, PIXELS = 100.0, 2000
COLUMNS, PITCH = 16, 7.0
THETA = np.deg2rad([0.0, 40.0, 115.0, 200.0, 310.0])
SAD, SDD = 150.0, 220.0


def image():
    centres = ((np.arange(PIXELS) + 0.5) / PIXELS - 0.5) * SIDE
    x, y = centres[None, :], -centres[:, None]
    total = np.zeros((PIXELS, PIXELS), np.float32)
    for cx, cy, a, b, degrees, density in ELLIPSES:
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        u, v = (x - cx) * c + (y - cy) * s, -(x - cx) * s + (y - cy) * c
        total += np.where((u / a) ** 2 + (v / b) ** 2 <= 1, density, 0).astype(np.float32)
    return total


def sinogram(projector, geometry):
    half = SIDE / 2
    volume = astra.create_vol_geom(PIXELS, PIXELS, -half, half, -half, half)
    number = astra.create_projector(projector, geometry, volume)
    return astra.create_sino(image(), number)[1]


def show(name, values):
    print(f"const {name}: [[f64; {COLUMNS}]; {len(values)}] = [")
    for row in values:
        print("    [" + ", ".join(f"{v:.2f}" for v in row) + "],")
    print("];")


print("// ASTRA", astra.__version__)
angles = THETA + np.pi / 2
show("PARALLEL", sinogram("line", astra.create_proj_geom("parallel", PITCH, COLUMNS, angles)))
show("FAN", sinogram("line_fanflat", astra.create_proj_geom("fanflat", PITCH, COLUMNS, angles, SAD, SDD - SAD)))
