"""Compares recon's sinograms with those of the ASTRA toolbox on the CPU: relative L2 differences.

usage: python benches/peers/astra_sinogram.py [voxels]     (default 128)

ASTRA's `line` is Siddon's method, `linear` is Joseph's, `strip` weights by the area that a pixel's beam shares with a
voxel. Projectors that the installed version lacks (2.5.0 on the CPU: `linear` for fan beams) are skipped. `--golden`
prints the reference values of tests/contracts/astra.rs.
"""
import sys

import astra
import numpy as np
import slices


def sinogram(projector, kind, image, pixels, views, pitch, radius):
    """ASTRA's sinogram. ASTRA's y axis points up and its angles start at −y: its angle is recon's + 90 degrees."""
    n = image.shape[0]
    volume = astra.create_vol_geom(n, n)
    arc = 2 * np.pi if kind == "fan" else np.pi
    angles = arc * np.arange(views) / views + np.pi / 2
    if kind == "fan":
        scan = astra.create_proj_geom("fanflat", pitch, pixels, angles, radius, radius)
        projector = {"line": "line_fanflat", "strip": "strip_fanflat", "linear": "linear_fanflat"}[projector]
    else:
        scan = astra.create_proj_geom("parallel", pitch, pixels, angles)
    made = astra.create_projector(projector, scan, volume)
    _, found = astra.create_sino(np.ascontiguousarray(image[::-1]), made)
    return found


def compare(kind, name, n):
    image = slices.SLICES[name](n)
    pixels, views, radius = (2 * n + 11, 90, 2.5 * n) if kind == "fan" else (int(1.5 * n) + 5, 90, 1000.0)
    for wide, pitch in [("pixels of a voxel", 2.0 if kind == "fan" else 1.0), ("pixels of three voxels", 6.0 if kind == "fan" else 3.0)]:
        count = pixels if wide == "pixels of a voxel" else pixels // 3
        # A slightly different pitch, so that no ray runs along a face between voxels.
        work = (kind, image, count, views, pitch * 0.997, radius)
        ours = {model: slices.recon(model, *work) for model in slices.MODELS}
        for peer in ["line", "linear", "strip"]:
            try:
                theirs = sinogram(peer, *work)
            except Exception as error:
                print(f"{kind:9s}{name:12s} {wide:24s} {peer:7s} not there: {error}")
                continue
            differences = "  ".join(f"{model} {slices.apart(ours[model], theirs):8.1e}" for model in slices.MODELS)
            print(f"{kind:9s}{name:12s} {wide:24s} {peer:7s} {differences}", flush=True)


def golden():
    image = np.zeros((12, 12), np.float32)
    inner = np.arange(100) * 7 % 13
    image[1:11, 1:11] = inner.reshape(10, 10)
    # An even number of pixels: with an odd number the middle ray would run along a face between voxels.
    for kind, pitch, radius in [("parallel", 1.07, 100.0), ("fan", 2.13, 30.0)]:
        for peer in ["line", "linear", "strip"]:
            try:
                found = sinogram(peer, kind, image, 12, 5, pitch, radius)
            except Exception as error:
                print(kind, peer, "not there:", error)
                continue
            print(kind, peer)
            for row in found:
                print("    [" + ", ".join(f"{value:.4f}" for value in row) + "],")


if "--golden" in sys.argv:
    golden()
else:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 128
    for beam in ["parallel", "fan"]:
        for phantom in slices.SLICES:
            compare(beam, phantom, size)
