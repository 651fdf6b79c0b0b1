#!/usr/bin/env python3
"""Reference figures for the metric tests (src/metrics/golden.rs), by scikit-image.

    python3 -m venv venv && venv/bin/pip install scikit-image==0.26.0 && venv/bin/python tools/golden-metrics.py

The volumes come from a formula that both sides compute: whole numbers, so that they are the same to the last bit.
"""
import numpy as np
import skimage
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity


def volumes(shape):
    """Truth and reconstruction in HU [z, y, x]: a blocky object with a ramp, and the same with an error pattern."""
    z, y, x = np.meshgrid(*(np.arange(n, dtype=np.int64) for n in shape), indexing="ij")
    truth = -1000 + 37 * ((3 * x + 5 * y + 7 * z) % 11) + 900 * ((x // 4 + y // 5 + z // 3) % 2) + 6 * x
    found = truth + 8 * ((x * y + 3 * z * z + 11 * x) % 97 - 48) + 25 * ((x + z) // 6 % 2)
    return truth.astype(np.float64), found.astype(np.float64)


def mask(shape):
    """A ball-like part of the volume."""
    z, y, x = np.meshgrid(*(np.arange(n, dtype=np.int64) for n in shape), indexing="ij")
    return (2 * z - shape[0]) ** 2 + (2 * y - shape[1]) ** 2 + (2 * x - shape[2]) ** 2 <= min(shape[1:]) ** 2


def ssim_map(truth, found, span):
    """The map and the width of the border that scikit-image leaves out of the mean."""
    options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=span, full=True)
    return structural_similarity(truth, found, **options)


def inner(values):
    return values[tuple(slice(5, n - 5) for n in values.shape)]


def report(name, shape):
    truth, found = (v[0] if shape[0] == 1 else v for v in volumes(shape))
    span = truth.max() - truth.min()
    print(f"{name} {shape}: range {span}")
    print("  psnr_db", repr(peak_signal_noise_ratio(truth, found, data_range=span)))
    print("  ssim", repr(ssim_map(truth, found, span)[0]))
    print("  rmse_hu", repr(np.sqrt(mean_squared_error(truth, found))))
    print("  mae_hu", repr(np.mean(np.abs(truth - found))))
    if shape[0] > 1:
        print("  ssim_slices", repr(np.mean([ssim_map(t, f, span)[0] for t, f in zip(truth, found)])))
    held = mask(shape)[0] if shape[0] == 1 else mask(shape)
    span = truth[held].max() - truth[held].min()
    error = (truth - found)[held]
    print("  masked: range", span)
    print("  psnr_db", repr(10 * np.log10(span**2 / np.mean(error**2))))
    print("  ssim", repr(np.mean(inner(ssim_map(truth, found, span)[1])[inner(held)])))
    print("  rmse_hu", repr(np.sqrt(np.mean(error**2))))
    print("  mae_hu", repr(np.mean(np.abs(error))))
    if shape[0] > 1:
        maps = [(inner(ssim_map(t, f, span)[1]), inner(h)) for t, f, h in zip(truth, found, held)]
        print("  ssim_slices", repr(np.mean([m[h].mean() for m, h in maps if h.any()])))


print("scikit-image", skimage.__version__, "numpy", np.__version__)
report("volume", (17, 24, 21))
report("slice", (1, 33, 40))
