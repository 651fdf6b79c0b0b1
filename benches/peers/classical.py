"""Compares recon's classical methods with ASTRA, SciPy, scikit-image and ITK-RTK: agreement of the images, or speed.

usage: python benches/peers/classical.py [--large] [--time [ROUNDS]]

Without `--time`, recon computes exact projections of phantoms (phantoms/*.yaml) and every tool reconstructs the same
data. Printed are the PSNR of each against the truth, the difference of the PSNR values, and the relative L2 distance
between both images. 2-D: 256 x 256 pixels of 1 mm (257 x 257 for scikit-image), 60 and 180 parallel views of 363
pixels. 3-D: 64³ voxels of 3.5 mm (`--large`: 128³), 50 cone-beam views on a circle.
With `--time`, printed are the median times of ROUNDS (5) alternating runs, their ratio, and the peak memory of each
process. Each tool runs in one process.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import astra
import itk
import numpy as np
import scipy.sparse
from itk import RTK as rtk
from skimage.transform import iradon

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(tempfile.mkdtemp())
Image = itk.Image[itk.F, 3]


class Recon:
    """A process of recon's benchmark that handles one request at a time."""

    def __init__(self):
        command = ["cargo", "bench", "--quiet", "--bench", "classical", "--", "--serve"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request, default=str) + "\n")
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline())
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["seconds"]

    def peak(self):
        """Peak resident memory in MB of the benchmark, which is a child of cargo or has replaced it."""
        peaks = []
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            except OSError:
                continue
            mine = str(self.process.pid) in (lines["Pid"].strip(), lines["PPid"].strip())
            if mine and "VmHWM" in lines:
                peaks.append(int(lines["VmHWM"].split()[0]) / 1024)
        return max(peaks, default=float("nan"))


recon = Recon()


class Work:
    """A scan of a phantom: exact line integrals and the truth, as files and as arrays."""

    def __init__(self, name, phantom, shape, spacing, scan):
        self.shape, self.spacing, self.scan = shape, spacing, scan
        self.file, truth = FOLDER / f"{name}.npy", FOLDER / f"{name}-truth.npy"
        recon.ask(shape=shape, spacing_mm=spacing, scan=scan, data=self.file, phantom=ROOT / "phantoms" / phantom, volume=truth)
        self.data, self.truth = np.load(self.file), np.load(truth)

    def ask(self, method, volume=None, warm_up=0):
        return recon.ask(
            shape=self.shape, spacing_mm=self.spacing, scan=self.scan, data=self.file, method=method, volume=volume, warm_up=warm_up
        )

    def ours(self, method):
        self.ask(method, FOLDER / "volume.npy")
        return np.load(FOLDER / "volume.npy")

    def psnr(self, found):
        error = np.mean((found - self.truth) ** 2, dtype=np.float64)
        return 10 * np.log10(float(np.ptp(self.truth)) ** 2 / error)


def compare(name, work, ours, theirs):
    a, b = work.psnr(ours), work.psnr(theirs)
    distance = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
    print(f"{name:44s} recon {a:7.3f} dB   peer {b:7.3f} dB   difference {a - b:+7.3f} dB   relative L2 {distance:8.2e}", flush=True)


# ---- ASTRA: its angle is recon's + 90 degrees and its rows run along -y.


class Astra:
    def __init__(self, work, views, kind="linear"):
        [_, n, _] = work.shape
        self.volume = astra.create_vol_geom(n, n)
        angles = np.arange(views) * np.pi / views + np.pi / 2
        self.geometry = astra.create_proj_geom("parallel", 1.0, work.data.shape[2], angles)
        self.projector = astra.create_projector(kind, self.geometry, self.volume)
        self.data = astra.data2d.create("-sino", self.geometry, work.data[:, 0])

    def run(self, name, iterations, options=None):
        found = astra.data2d.create("-vol", self.volume, 0.0)
        config = astra.astra_dict(name)
        config.update(ProjectorId=self.projector, ProjectionDataId=self.data, ReconstructionDataId=found)
        config["option"] = options or {}
        algorithm = astra.algorithm.create(config)
        start = time.perf_counter()
        astra.algorithm.run(algorithm, iterations)
        seconds = time.perf_counter() - start
        values = astra.data2d.get(found)[::-1]
        astra.algorithm.delete(algorithm)
        astra.data2d.delete(found)
        return seconds, values[None]


# ---- SciPy: Joseph's method as a sparse matrix.


def joseph_matrix(n, pixels, views):
    index = np.arange(n) - (n - 1) / 2
    across = np.arange(pixels) - (pixels - 1) / 2
    rows, columns, weights = [], [], []
    for view, angle in enumerate(np.arange(views) * np.pi / views):
        # Rays run along (cos, sin); the detector's u is (-sin, cos).
        c, s = np.cos(angle), np.sin(angle)
        along_x = abs(c) >= abs(s)
        if along_x:
            at = (across[:, None] + index[None, :] * s) / c + (n - 1) / 2
        else:
            at = (index[None, :] * c - across[:, None]) / s + (n - 1) / 2
        low = np.floor(at).astype(int)
        for step, weight in ((0, 1 - (at - low)), (1, at - low)):
            i = low + step
            inside = (i >= 0) & (i < n)
            pixel, plane = np.nonzero(inside)
            other = i[inside]
            rows.append(view * pixels + pixel)
            columns.append(other * n + plane if along_x else plane * n + other)
            weights.append(weight[inside] / max(abs(c), abs(s)))
    entries = (np.concatenate(weights).astype(np.float32), (np.concatenate(rows), np.concatenate(columns)))
    return scipy.sparse.csr_matrix(entries, shape=(views * pixels, n * n))


class Scipy:
    def __init__(self, work):
        views, _, pixels = work.data.shape
        self.n = work.shape[1]
        self.a = joseph_matrix(self.n, pixels, views)
        self.at = self.a.T.tocsr()
        self.y = work.data.reshape(-1)

    def sirt(self, iterations, nonnegative):
        start = time.perf_counter()
        inverse = lambda sums: np.divide(1, sums, out=np.zeros_like(sums), where=sums > 1e-6 * sums.max())
        rows = inverse(self.a @ np.ones(self.n**2, np.float32))
        columns = inverse(self.at @ np.ones(len(self.y), np.float32))
        x = np.zeros(self.n**2, np.float32)
        for _ in range(iterations):
            x += columns * (self.at @ (rows * (self.y - self.a @ x)))
            if nonnegative:
                np.maximum(x, 0, out=x)
        return time.perf_counter() - start, x.reshape(1, self.n, self.n)


# ---- RTK: (x, y, z) of RTK is (x, z, -y) of recon, its gantry angle is recon's + 90 degrees.


class Rtk:
    SOURCE, DETECTOR = 500.0, 1000.0

    def __init__(self, work, pitch):
        views, rows, columns = work.data.shape
        self.geometry = rtk.ThreeDCircularProjectionGeometry.New()
        for angle in np.arange(views) * 360.0 / views:
            self.geometry.AddProjection(self.SOURCE, self.DETECTOR, float(angle + 90))
        self.work, self.pitch = work, pitch

    def image(self, values, spacing, origin):
        made = itk.image_from_array(np.ascontiguousarray(values, dtype=np.float32))
        made.SetSpacing(spacing)
        made.SetOrigin(origin)
        return made

    def run(self, filter_, prepare, weights=False):
        n, spacing = self.work.shape[0], self.work.spacing
        views, rows, columns = self.work.data.shape
        volume = self.image(np.zeros(self.work.shape), [spacing] * 3, [-(n - 1) / 2 * spacing] * 3)
        place = ([self.pitch, self.pitch, 1.0], [-(columns - 1) / 2 * self.pitch, -(rows - 1) / 2 * self.pitch, 0.0])
        filter_.SetInput(0, volume)
        filter_.SetInput(1, self.image(self.work.data, *place))
        if weights:
            filter_.SetInput(2, self.image(np.ones(self.work.data.shape), *place))
        filter_.SetGeometry(self.geometry)
        prepare(filter_)
        start = time.perf_counter()
        filter_.Update()
        seconds = time.perf_counter() - start
        # RTK's array is [-y, z, x].
        return seconds, itk.array_from_image(filter_.GetOutput())[::-1].transpose(1, 0, 2)

    def fdk(self):
        return self.run(rtk.FDKConeBeamReconstructionFilter[Image].New(), lambda filter_: None)

    def sart(self, iterations, per_subset):
        def prepare(filter_):
            filter_.SetNumberOfIterations(iterations)
            filter_.SetNumberOfProjectionsPerSubset(per_subset)
            filter_.SetLambda(1.0)
            filter_.SetEnforcePositivity(True)
            kind = type(filter_)
            filter_.SetForwardProjectionFilter(kind.ForwardProjectionType_FP_JOSEPH)
            filter_.SetBackProjectionFilter(kind.BackProjectionType_BP_JOSEPH)

        return self.run(rtk.SARTConeBeamReconstructionFilter[Image, Image].New(), prepare)

    def conjugate_gradient(self, iterations):
        def prepare(filter_):
            filter_.SetNumberOfIterations(iterations)
            kind = type(filter_)
            filter_.SetForwardProjectionFilter(kind.ForwardProjectionType_FP_JOSEPH)
            filter_.SetBackProjectionFilter(kind.BackProjectionType_BP_JOSEPH)

        kind = list(rtk.ConjugateGradientConeBeamReconstructionFilter.keys())[0]
        return self.run(rtk.ConjugateGradientConeBeamReconstructionFilter[kind].New(), prepare, weights=True)


def slice_work(views, n=256):
    scan = f"parallel: {{views: {views}, detector: {{pixels: 363, pitch_mm: 1.0}}}}"
    return Work(f"slice{n}-{views}", "shepp-logan-2d.yaml", [1, n, n], 1.0, scan)


def cone_work(n, views=50):
    spacing, pitch = 224.0 / n, 224.0 * 2 * 1.25 / n
    scan = (
        f"cone: {{views: {views}, source_to_axis_mm: {Rtk.SOURCE}, source_to_detector_mm: {Rtk.DETECTOR},"
        f" detector: {{pixels: [{n}, {n}], pitch_mm: [{pitch}, {pitch}]}}}}"
    )
    return Work(f"cone{n}", "shepp-logan.yaml", [n] * 3, spacing, scan), pitch


def skimage_fbp(work):
    views = work.data.shape[0]
    # scikit-image's angle is recon's + 90 degrees and its rows run along -y. It rotates about pixel n // 2, which is
    # the middle only if n is odd.
    sinogram = work.data[:, 0].T.astype(np.float64)
    start = time.perf_counter()
    found = iradon(sinogram, np.arange(views) * 180.0 / views + 90, output_size=work.shape[1], filter_name="ramp", circle=False)
    seconds = time.perf_counter() - start
    return seconds, found[::-1][None].astype(np.float32)


def agree_2d():
    for views in (60, 180):
        work = slice_work(views)
        peer, matrix = Astra(work, views), Scipy(work)
        label = f"2-D, {views} views: "
        compare(label + "FBP, ASTRA", work, work.ours("fbp"), peer.run("FBP", 1, {"FilterType": "ram-lak"})[1])
        odd = slice_work(views, 257)
        compare(label + "FBP, scikit-image (257^2)", odd, odd.ours("fbp"), skimage_fbp(odd)[1])
        options = {"MinConstraint": 0.0}
        compare(label + "CGLS-20, ASTRA", work, work.ours("cgls: {iterations: 20}"), peer.run("CGLS", 20)[1])
        compare(label + "SIRT-100, x >= 0, SciPy", work, work.ours("sirt: {iterations: 100}"), matrix.sirt(100, True)[1])
        compare(label + "SIRT-100, ASTRA", work, work.ours("sirt: {iterations: 100, nonnegative: false}"), peer.run("SIRT", 100)[1])
        compare(label + "SIRT-100, x >= 0, ASTRA", work, work.ours("sirt: {iterations: 100}"), peer.run("SIRT", 100, options)[1])


def agree_3d(n):
    work, pitch = cone_work(n)
    peer, label = Rtk(work, pitch), f"3-D, {n}^3, 50 views: "
    compare(label + "FDK, RTK", work, work.ours("fdk"), peer.fdk()[1])
    sart = "os_sart: {iterations: 2, subset_views: 1, ordering: sequential, reduction: 1}"
    compare(label + "SART-2, RTK", work, work.ours(sart), peer.sart(2, 1)[1])
    compare(label + "SIRT-5, RTK", work, work.ours("sirt: {iterations: 5}"), peer.sart(5, 50)[1])
    compare(label + "CGLS-5, RTK", work, work.ours("cgls: {iterations: 5}"), peer.conjugate_gradient(5)[1])


def timed(name, work, method, peer, rounds, ours_per=1, ours_less=None):
    """Median times of alternating runs. The time of `ours_less`, a method with fewer iterations, is subtracted."""

    def ours():
        seconds = work.ask(method)
        return (seconds - work.ask(ours_less)) / ours_per if ours_less else seconds / ours_per

    peer(), ours()
    times = [(peer(), ours()) for _ in range(rounds)]
    theirs, own = (statistics.median(column) for column in zip(*times))
    print(f"{name:40s} peer {theirs * 1e3:9.1f} ms   recon {own * 1e3:8.1f} ms   ratio {theirs / own:6.1f}", flush=True)


def race(rounds):
    work = slice_work(60)
    peer, matrix, sirt = Astra(work, 60), Scipy(work), "sirt: {iterations: 100, nonnegative: false}"
    timed("SIRT-100, 256^2, 60 views: ASTRA", work, sirt, lambda: peer.run("SIRT", 100)[0], rounds)
    timed("SIRT-100, 256^2, 60 views: SciPy CSR", work, sirt, lambda: matrix.sirt(100, False)[0], rounds)
    timed("CGLS-20, 256^2, 60 views: ASTRA", work, "cgls", lambda: peer.run("CGLS", 20)[0], rounds)
    work = slice_work(180)
    peer = Astra(work, 180)
    timed("FBP, 256^2, 180 views: ASTRA", work, "fbp", lambda: peer.run("FBP", 1)[0], rounds)
    timed("FBP, 256^2, 180 views: scikit-image", work, "fbp", lambda: skimage_fbp(work)[0], rounds)
    work, pitch = cone_work(128)
    peer = Rtk(work, pitch)
    timed("FDK, 128^3, 50 x 128^2: RTK", work, "fdk", lambda: peer.fdk()[0], rounds)
    # The time of one iteration is half the difference between three and one, which excludes the setup.
    one = lambda: (peer.sart(3, 50)[0] - peer.sart(1, 50)[0]) / 2
    timed("SIRT iteration, 128^3, 50 x 128^2: RTK", work, "sirt: {iterations: 11}", one, rounds, 10, "sirt: {iterations: 1}")
    theirs = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: recon {recon.peak():.0f} MB, all peers together (with Python) {theirs:.0f} MB, {os.cpu_count()} cores")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--large", action="store_true", help="compare at 128^3")
parser.add_argument("--time", nargs="?", type=int, const=5, metavar="ROUNDS", help="time instead of comparing")
arguments = parser.parse_args()
if arguments.time:
    race(arguments.time)
else:
    agree_3d(128 if arguments.large else 64)
    agree_2d()
recon.process.stdin.close()
