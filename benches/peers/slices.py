"""Slices that the other tools and recon project, and recon's sinograms of them (geometry: see benches/sinogram.rs)."""
import os
import subprocess

import numpy as np

MODELS = ["joseph", "siddon", "distance-driven"]
# Path of the built benchmark binary, to run it without cargo.
BINARY = os.environ.get("RECON_SINOGRAM")


def ellipses(voxels, shapes):
    """Sum of ellipses (value, x, y, a, b) in units of half the slice; each voxel is the mean of 4 x 4 points."""
    n = 4 * voxels
    at = (np.arange(n) + 0.5) / n * 2 - 1
    x, y = at[None, :], at[:, None]
    fine = sum(value * (((x - u) / a) ** 2 + ((y - v) / b) ** 2 <= 1) for value, u, v, a, b in shapes)
    return np.ascontiguousarray(fine.reshape(voxels, 4, voxels, 4).mean((1, 3)), dtype=np.float32)


def thorax(voxels):
    """Attenuation (1/mm) of a body with lungs, heart, spine and ribs."""
    ribs = [(0.015, 0.74 * np.cos(t), 0.5 * np.sin(t), 0.04, 0.04) for t in np.arange(12) * np.pi / 6 + 0.2]
    lungs = [(-0.014, side * 0.36, 0.05, 0.24, 0.36) for side in (-1, 1)]
    return ellipses(voxels, [(0.02, 0, 0, 0.84, 0.6), *lungs, (0.001, 0.02, 0.02, 0.1, 0.2), (0.02, 0, -0.4, 0.08, 0.09), *ribs])


def shepp_logan(voxels):
    """Attenuation (1/mm) of the Shepp-Logan head with modified contrast (Toft 1996); the ventricles are not rotated."""
    head = [(1, 0, 0, 0.69, 0.92), (-0.8, 0, -0.0184, 0.6624, 0.874), (-0.2, 0.22, 0, 0.11, 0.31), (-0.2, -0.22, 0, 0.16, 0.41)]
    spots = [(0.1, 0, 0.35, 0.21, 0.25), (0.1, 0, 0.1, 0.046, 0.046), (0.1, -0.08, -0.605, 0.046, 0.023), (0.1, 0.06, -0.605, 0.023, 0.046)]
    return 0.02 * ellipses(voxels, head + spots)


SLICES = {"thorax": thorax, "shepp-logan": shepp_logan}


def recon(model, kind, image, pixels, views, pitch, radius):
    command = [BINARY] if BINARY else ["cargo", "bench", "--quiet", "--bench", "sinogram", "--"]
    command += [model, kind, *map(str, (image.shape[0], pixels, views, pitch, radius))]
    done = subprocess.run(command, input=image.astype("<f4").tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, dtype="<f4").reshape(views, pixels)


def apart(a, b):
    return np.linalg.norm(a.astype(float) - b) / np.linalg.norm(b.astype(float))
