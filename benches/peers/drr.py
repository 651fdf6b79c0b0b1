"""Compares differentiable projection with DiffDRR's trilinear renderer, timed in alternation: the forward projection,
and forward plus backward of ½‖Ax − y‖² with respect to the voxels, as in one step of a fit.

usage: python benches/peers/drr.py [voxels [pixels [views [rounds]]]]     (default 128 128 50 3)

DiffDRR (0.6, torch on the CPU) renders the views one by one to limit its memory; two views are timed and the time is
scaled to all. It takes `n_points` samples on each ray: the number of voxels along the cube's diagonal, which is about
one sample per voxel. recon's side is the forward kernel and its exact adjoint: cargo bench --bench projectors --
--serve.
"""
import os
import statistics
import subprocess
import sys
import time

import torch
import torchio
from diffdrr.data import read
from diffdrr.drr import DRR

voxels, pixels, views, rounds = [int(a) for a in sys.argv[1:5]] + [128, 128, 50, 3][len(sys.argv) - 1 :]
TIMED = 2
torch.set_num_threads(os.cpu_count())
spacing, pitch = 128.0 / voxels, 128.0 * 2 * 1.25 / pixels

torch.manual_seed(0)
affine = torch.diag(torch.tensor([spacing, spacing, spacing, 1.0])).numpy()
image = torchio.ScalarImage(tensor=torch.rand(1, voxels, voxels, voxels), affine=affine)
subject = read(volume=image, orientation=None, center_volume=True)
drr = DRR(subject, sdd=1000.0, height=pixels, delx=pitch, renderer="trilinear")
drr.density = torch.rand(voxels, voxels, voxels).requires_grad_(True)
points = int(round(voxels * 3**0.5))


def render(view):
    rotation = torch.tensor([[0.0, 0.0, 2 * torch.pi * view / views]])
    translation = torch.tensor([[0.0, 500.0, 0.0]])
    return drr(rotation, translation, parameterization="euler_angles", convention="ZXY", n_points=points)


def forward():
    begin = time.perf_counter()
    with torch.no_grad():
        for view in range(TIMED):
            render(view)
    return (time.perf_counter() - begin) * views / TIMED


def both():
    begin = time.perf_counter()
    for view in range(TIMED):
        (render(view) - 1.0).square().sum().backward()
    drr.density.grad = None
    return (time.perf_counter() - begin) * views / TIMED


command = ["cargo", "bench", "--quiet", "--bench", "projectors", "--", "--serve"]
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def recon(job):
    server.stdin.write(f"{job} {voxels} {pixels} {views}\n")
    server.stdin.flush()
    return float(server.stdout.readline())


print(f"{voxels}^3 voxels, {views} views of {pixels}^2 pixels, {points} samples a ray, {rounds} rounds")
jobs = [("forward", forward, lambda: recon("forward")), ("forward + backward", both, lambda: recon("forward") + recon("adjoint"))]
for name, peer, ours in jobs:
    peer(), ours()
    times = [(peer(), ours()) for _ in range(rounds)]
    theirs, mine = (statistics.median(column) for column in zip(*times))
    print(f"{name:20s} DiffDRR {theirs * 1e3:9.0f} ms   recon {mine * 1e3:7.1f} ms   ratio {theirs / mine:6.1f}", flush=True)
server.stdin.close()
