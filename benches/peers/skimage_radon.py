"""Compares recon's parallel-beam sinograms with scikit-image's `radon`, which rotates the image bilinearly and sums it.

usage: python benches/peers/skimage_radon.py [voxels, odd]     (default 129)
"""
import sys

import numpy as np
import slices
from skimage.transform import radon

# A slice with an even number of pixels would be rotated about a point other than its centre.
n = int(sys.argv[1]) if len(sys.argv) > 1 else 129
views = 90
for name, make in slices.SLICES.items():
    image = make(n)
    yy, xx = np.mgrid[:n, :n] - (n - 1) / 2
    image[np.hypot(xx, yy) > n / 2 - 2] = 0
    theta = -180.0 * np.arange(views) / views - 90
    theirs = radon(image, theta=theta, circle=True).T
    for model in slices.MODELS:
        ours = slices.recon(model, "parallel", image, n, views, 1.0, 1000.0)
        print(f"{name:12s} {model:16s} {slices.apart(ours, theirs):8.1e}", flush=True)
