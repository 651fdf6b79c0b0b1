#!/usr/bin/env python3
"""Reference values of the metric tests (src/metrics/golden.rs), computed with scikit-image.

    python3 -m venv venv && venv/bin/pip install scikit-image==0.26.0 && venv/bin/python tools/golden-metrics.py

The volumes come from an integer formula that both sides evaluate, so that they are identical to the last bit.
"""
import numpy as np
import skimage
from scipy.ndimage import correlate, correlate1d
from skimage.metrics import mean_squared_error, normalized_root_mse, peak_signal_noise_ratio, structural_similarity


def volumes(shape):
    """Truth and reconstruction in HU [z, y, x]: blocks with a ramp, and the same with an error pattern."""
    z, y, x = np.meshgrid(*(np.arange(n, dtype=np.int64) for n in shape), indexing="ij")
    truth = -1000 + 37 * ((3 * x + 5 * y + 7 * z) % 11) + 900 * ((x // 4 + y // 5 + z // 3) % 2) + 6 * x
    found = truth + 8 * ((x * y + 3 * z * z + 11 * x) % 97 - 48) + 25 * ((x + z) // 6 % 2)
    return truth.astype(np.float64), found.astype(np.float64)


def mask(shape):
    """Mask of a ball in the middle of the volume, clipped at its edges."""
    z, y, x = np.meshgrid(*(np.arange(n, dtype=np.int64) for n in shape), indexing="ij")
    return (2 * z - shape[0]) ** 2 + (2 * y - shape[1]) ** 2 + (2 * x - shape[2]) ** 2 <= min(shape[1:]) ** 2


def ssim_map(truth, found, span):
    """Mean SSIM (without the border, as in scikit-image) and the SSIM map."""
    options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=span, full=True)
    return structural_similarity(truth, found, **options)


def inner(values):
    return values[tuple(slice(5, n - 5) for n in values.shape)]


def gaussian(image):
    """Image filtered with the 11-tap Gaussian window, with zeros beyond the edge."""
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    taps /= taps.sum()
    return correlate1d(correlate1d(image, taps, axis=0, mode="constant"), taps, axis=1, mode="constant")


def terms(a, b, span):
    """Luminance and contrast-structure maps of Wang 2004, with population covariance."""
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    ma, mb = gaussian(a), gaussian(b)
    va, vb, cov = gaussian(a * a) - ma**2, gaussian(b * b) - mb**2, gaussian(a * b) - ma * mb
    return (2 * ma * mb + c1) / (ma**2 + mb**2 + c1), (2 * cov + c2) / (va + vb + c2)


def halved(image):
    rows, columns = (n // 2 * 2 for n in image.shape)
    return image[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))


def ms_ssim(a, b, span):
    """MS-SSIM (Wang 2003) of one slice."""
    product = 1.0
    for k, weight in enumerate([0.0448, 0.2856, 0.3001, 0.2363, 0.1333]):
        luminance, structure = (inner(m) for m in terms(a, b, span))
        product *= max(np.mean(structure if k < 4 else luminance * structure), 0) ** weight
        a, b = halved(a), halved(b)
    return product


def gmsd(a, b, span):
    """GMSD (Xue 2014) of one slice with values from 0 to span."""
    prewitt = np.array([[1, 0, -1]] * 3) / 3
    magnitude = lambda v: np.hypot(correlate(v, prewitt, mode="constant"), correlate(v, prewitt.T, mode="constant"))
    a, b = (magnitude(halved(v / span)) for v in (a, b))
    c = 170 / 255**2
    return np.std((2 * a * b + c) / (a**2 + b**2 + c))


def ssim2d_gauss_r2(a, b):
    """Mean SSIM over the slices along all axes of volumes from 0 to 1, without empty slices."""
    means = []
    for axis in range(3):
        pairs = [(np.take(a, i, axis), np.take(b, i, axis)) for i in range(a.shape[axis])]
        maps = [np.multiply(*terms(s, t, 1.0)) for s, t in pairs if s.max() > 0]
        means.append(np.mean([m.mean() for m in maps]))
    return np.mean(means)


def more(shape):
    """Prints the metrics of the whole volume that scikit-image provides only in part."""
    truth, found = volumes(shape)
    low, span = truth.min(), truth.max() - truth.min()
    a, b = (truth - low) / span, (found - low) / span
    print(f"more {shape}: range {span}")
    print("  nrmse", repr(normalized_root_mse(truth, found, normalization="min-max")))
    print("  correlation", repr(np.corrcoef(truth.ravel(), found.ravel())[0, 1]))
    print("  gmsd", repr(np.mean([gmsd(s - low, t - low, span) for s, t in zip(truth, found)])))
    print("  ssim2d_gauss_r2", repr(ssim2d_gauss_r2(a, b)))
    if min(shape) >= 7:
        print("  ssim3d_naf", repr(structural_similarity(a, b, data_range=2.0)))
    if min(shape[1:]) >= 176:
        print("  ms_ssim", repr(np.mean([ms_ssim(s, t, span) for s, t in zip(truth, found)])))
    error = found - truth
    for name, start, end in [("air", -np.inf, -950), ("lung", -950, -500), ("fat", -190, -30), ("soft", -30, 200),
                             ("bone", 200, np.inf)]:
        held = (truth >= start) & (truth < end)
        if held.any():
            print(f"  hu_bias_{name}", repr(error[held].mean()), f"hu_spread_{name}", repr(error[held].std()))


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
more((17, 24, 21))
more((2, 180, 191))
