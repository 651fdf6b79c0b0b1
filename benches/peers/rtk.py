"""Compares forward projection, its adjoint and voxel backprojection with ITK-RTK, on the same cone-beam scan.

usage: python benches/peers/rtk.py [voxels [pixels [views [rounds]]]]     (default 128 128 50 5)

The scan is `Work` of benches/projectors.rs: a cube of 128 mm, the source 500 mm from its centre and 1000 mm from the
detector, which is 1.25 times as wide as the magnified cube. Each round times RTK, then recon; printed are medians and
their ratio.
"""
import statistics
import subprocess
import sys
import time

import itk
import numpy as np
from itk import RTK as rtk

voxels, pixels, views, rounds = [int(a) for a in sys.argv[1:5]] + [128, 128, 50, 5][len(sys.argv) - 1 :]
Image = itk.Image[itk.F, 3]

geometry = rtk.ThreeDCircularProjectionGeometry.New()
for angle in np.arange(views) * 360.0 / views:
    geometry.AddProjection(500.0, 1000.0, float(angle))
spacing, pitch = 128.0 / voxels, 128.0 * 2 * 1.25 / pixels


def image(values, spacing, origin):
    made = itk.image_from_array(np.ascontiguousarray(values, dtype=np.float32))
    made.SetSpacing(spacing)
    made.SetOrigin(origin)
    return made


def volume(values):
    return image(values, [spacing] * 3, [-(voxels - 1) / 2 * spacing] * 3)


def stack(values):
    return image(values, [pitch, pitch, 1.0], [-(pixels - 1) / 2 * pitch] * 2 + [0.0])


rng = np.random.default_rng(0)
object_ = volume(rng.random((voxels,) * 3))
data = stack(rng.random((views, pixels, pixels)))


def timed(kind, start, source):
    def run():
        job = kind[Image, Image].New()
        job.SetInput(0, start())
        job.SetInput(1, source)
        job.SetGeometry(geometry)
        begin = time.perf_counter()
        job.Update()
        return time.perf_counter() - begin

    return run


empty_stack = lambda: stack(np.zeros((views, pixels, pixels)))
empty_volume = lambda: volume(np.zeros((voxels,) * 3))
jobs = [
    ("forward", "Joseph forward", timed(rtk.JosephForwardProjectionImageFilter, empty_stack, object_)),
    ("adjoint", "Joseph backprojection", timed(rtk.JosephBackProjectionImageFilter, empty_volume, data)),
    ("backproject", "voxel backprojection", timed(rtk.BackProjectionImageFilter, empty_volume, data)),
]

command = ["cargo", "bench", "--quiet", "--bench", "projectors", "--", "--serve"]
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def recon(job):
    server.stdin.write(f"{job} {voxels} {pixels} {views}\n")
    server.stdin.flush()
    return float(server.stdout.readline())


print(f"{voxels}^3 voxels, {views} views of {pixels}^2 pixels, {rounds} rounds")
for job, name, peer in jobs:
    peer(), recon(job)
    times = [(peer(), recon(job)) for _ in range(rounds)]
    theirs, ours = (statistics.median(column) for column in zip(*times))
    print(f"{name:24s} RTK {theirs * 1e3:8.1f} ms   recon {ours * 1e3:8.1f} ms   ratio {theirs / ours:6.1f}", flush=True)
server.stdin.close()
