"""Time to fit a coordinate network to the 2-D phantom (128^2, 60 parallel views, no noise), compared with eager
PyTorch.

usage: python benches/peers/time_to.py     (needs torch, numpy and nibabel, and target/release/recon)

PyTorch: each step takes 64 random rays of 128 samples; Adam with a rate of 1e-4 (SIREN 3 x 256) or 1e-2 (hash grid of 8
levels of 2 features with 2 x 64 neurons); the data are the exact line integrals that recon simulated. Its time for a
PSNR is that of the first step which reaches it, without the time to evaluate the PSNR, for at most 60 s.
recon: the whole grid in every step. Its time for a PSNR is that of the shortest complete fit (with its full schedule)
which reaches it, out of several fits with different numbers of steps.
PSNR is 10 log10(1 / mean square error), with attenuation in units of water.
"""
import json
import math
import os
import subprocess
import tempfile
import time

import nibabel
import numpy as np
import torch

from networks import HashGrid, Siren

LADDER = [8, 12, 16, 20, 25, 30, 40, 50, 60, 80, 100, 150]
CASE = """
name: time-to
load: {phantom: {file: %s/phantoms/shepp-logan-2d.yaml}}
grid: {shape: [128, 128]}
simulate: {geometry: {parallel: {views: 60, detector: {pixels: 192, pitch_mm: 1.5}}}}
export: {volumes: [], report: [json]}
evaluate: {metrics: [psnr_db]}
reconstruct:
"""
SIREN = "field: {siren: {width: 256, precision: bf16}}, optimizer: {muon: {rate: 3.0e-3}}, tv: 2.0e-4"
HASH = "field: {mlp: {encoding: {hash_grid: {levels: 8, base: 4, finest: 128}}, activation: relu, width: 64, depth: 2}}, optimizer: {adam: {rate: 1.0e-2}}, tv: 2.0e-4"
FIELDS = {"siren": SIREN, "hash": HASH}
METHOD = "  - {name: %s-%d, neural_field: {start: null, ramp_steps: %d, steps: %d, %s}}\n"


def recon(folder):
    """Runs recon in `folder`; returns {method: (PSNR in dB, seconds)}."""
    text = CASE % os.getcwd()
    for name, field in FIELDS.items():
        text += "".join(METHOD % (name, steps, steps // 2, steps, field) for steps in LADDER)
    path = f"{folder}/time-to.yaml"
    open(path, "w").write(text)
    subprocess.run(["target/release/recon", "run", path, "--output", f"{folder}/run", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    methods = json.load(open(f"{folder}/run/report.json"))["methods"]
    return {m["name"]: (m["metrics"]["psnr_db"], m["seconds"]) for m in methods}


def scan(folder):
    """Returns points [view, pixel, sample, 2] (field coordinates), sample length in mm, line integrals in units of
    water, the truth and its points."""
    views = json.load(open(f"{folder}/run/geometry.json"))["geometry"]["views"]
    data = np.load(f"{folder}/run/projections.npy")[:, 0, :]
    truth = nibabel.load(f"{folder}/run/truth.nii.gz")
    water = 0.0206  # recon's own, per mm
    values = 1 + np.asarray(truth.dataobj, dtype=np.float32)[:, :, 0] / 1000
    i, j = np.meshgrid(*[np.arange(n) for n in values.shape], indexing="ij")
    world = np.stack([i, j, 0 * i, 0 * i + 1], -1) @ truth.affine.T
    samples, half = 128, 100.0
    t = (np.arange(samples) + 0.5) / samples * 2 * 1.42 * half - 1.42 * half
    column = np.arange(data.shape[1]) - (data.shape[1] - 1) / 2
    points = []
    for view in views:
        direction = np.array(view["source"]["direction"])
        start = np.array(view["center"]) + column[:, None] * np.array(view["u"])
        start -= (start @ direction)[:, None] * direction
        points.append((start[:, None, :] + t[:, None] * direction)[..., :2] / half)
    torch32 = lambda a: torch.tensor(np.asarray(a), dtype=torch.float32)
    # NIfTI's x and y axes point the opposite way (RAS instead of LPS).
    return torch32(points), t[1] - t[0], torch32(data / water), torch32(values), torch32(-world[..., :2] / half)


def pytorch(make, rate, wanted, case):
    """Returns {PSNR: (seconds, step)} of the first step that reaches each `wanted` PSNR (dB), and the last PSNR."""
    points, length, data, truth, grid = case
    torch.manual_seed(0)
    network = make(2)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    reached, spent, step = {}, 0.0, 0
    while spent < 60 and len(reached) < len(wanted):
        begin = time.perf_counter()
        view, pixel = torch.randint(data.shape[0], (64,)), torch.randint(data.shape[1], (64,))
        p = points[view, pixel]
        inside = (p.abs() <= 1).all(-1)
        values = network(p.reshape(-1, 2)).reshape(64, -1) * inside
        loss = ((values.sum(1) * length - data[view, pixel]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        spent, step = spent + time.perf_counter() - begin, step + 1
        if step % 5 == 0:
            with torch.no_grad():
                found = network(grid.reshape(-1, 2)).clamp(min=0).reshape(truth.shape)
            psnr = -10 * math.log10(float(((found - truth) ** 2).mean()))
            for level in wanted:
                if psnr >= level:
                    reached.setdefault(level, (spent, step))
    return reached, psnr


with tempfile.TemporaryDirectory() as folder:
    ours = recon(folder)
    case = scan(folder)
    torch.set_num_threads(os.cpu_count())
    for name, make, rate, wanted in [("siren", Siren, 1e-4, [18, 20, 24, 28]), ("hash", HashGrid, 1e-2, [18, 20, 24, 28])]:
        theirs, last = pytorch(make, rate, wanted, case)
        print(f"{name}: PyTorch's rays ended at {last:.1f} dB")
        for level in wanted:
            fits = [(seconds, key) for key, (psnr, seconds) in ours.items() if key.startswith(name) and psnr >= level]
            best = "never" if not fits else f"{min(fits)[0]:.2f} s ({min(fits)[1]})"
            peer = "not in 60 s" if level not in theirs else f"{theirs[level][0]:.1f} s (step {theirs[level][1]})"
            ratio = "" if not fits or level not in theirs else f"   {theirs[level][0] / min(fits)[0]:.1f}x"
            print(f"  {level} dB: PyTorch {peer}, recon {best}{ratio}", flush=True)
