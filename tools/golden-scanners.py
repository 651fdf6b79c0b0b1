"""Writes tests/data/nxtomo.nxs and tests/data/astra-fan.mat: small scans in the layouts of NeXus and the ASTRA toolbox.

    pip install h5py==3.16 numpy scipy && python tools/golden-scanners.py

Both hold a disk (mu 0.02 /mm, radius 20 mm about the axis) with a smaller one (0.04 /mm more, radius 5 mm) at (x, y) =
(9, -6) mm, from exact chords. NXtomo: 60 views over 180 degrees of counts, open beam 5000, dark field 100, one invalid
frame, pixels of 1 mm stored in metres, the axis in the middle. ASTRA: a fan beam of 64 pixels of 1.5 mm, the source 200
mm before and the detector 100 mm behind the axis, 90 angles over a full turn in radians.
"""

import h5py
import numpy as np
import scipy.io

BODY, BALL, PLACE = (0.02, 20.0), (0.04, 5.0), np.array([9.0, -6.0])


def chord(distance, radius):
    return 2 * np.sqrt(np.maximum(radius**2 - distance**2, 0))


def integral(point, direction):
    """Line integrals of the disks along rays through points [n, 2] with unit directions [n, 2]."""
    off = lambda center: (point - center)[:, 0] * direction[:, 1] - (point - center)[:, 1] * direction[:, 0]
    return BODY[0] * chord(off(np.zeros(2)), BODY[1]) + BALL[0] * chord(off(PLACE), BALL[1])


# NXtomo: theta of recon, u = (-sin, cos).
theta = np.radians(np.arange(60) * 3.0)
u = np.arange(64) - 31.5
views = []
for t in theta:
    points = u[:, None] * np.array([-np.sin(t), np.cos(t)])
    views.append(integral(points, np.broadcast_to([-np.cos(t), -np.sin(t)], points.shape)))
counts = 100 + 4900 * np.exp(-np.array(views))
frames, keys, angles = [np.full(64, 100.0)] * 2 + [np.full(64, 5000.0)] * 3, [2] * 2 + [1] * 3, [0.0] * 5
for i, view in enumerate(counts):
    if i == 30:
        frames, keys, angles = frames + [np.zeros(64)], keys + [3], angles + [np.degrees(theta[i])]
    frames, keys, angles = frames + [view], keys + [0], angles + [np.degrees(theta[i])]
frames, keys, angles = frames + [np.full(64, 5000.0)], keys + [1], angles + [180.0]
data = np.rint(np.array(frames)).astype("<u2")[:, None, :].repeat(2, axis=1)
with h5py.File("tests/data/nxtomo.nxs", "w", libver="earliest") as file:
    entry = file.create_group("entry1/tomo_entry")
    detector = entry.create_group("instrument/detector")
    detector.create_dataset("data", data=data, chunks=(16, 2, 64), compression="gzip", shuffle=True, track_times=False)
    detector.create_dataset("image_key", data=np.array(keys, "<i4"), track_times=False)
    for key in ["x_pixel_size", "y_pixel_size"]:
        detector.create_dataset(key, data=np.array([0.001]), track_times=False).attrs["units"] = "m"
    sample = entry.create_group("sample")
    sample.create_dataset("rotation_angle", data=np.array(angles), track_times=False).attrs["units"] = "degree"

# ASTRA fanflat: source at (D sin a, -D cos a), u = (cos a, sin a).
alpha = np.arange(90) * 2 * np.pi / 90
u = (np.arange(64) - 31.5) * 1.5
rows = []
for a in alpha:
    source, middle = 200 * np.array([np.sin(a), -np.cos(a)]), -100 * np.array([np.sin(a), -np.cos(a)])
    pixels = middle + u[:, None] * np.array([np.cos(a), np.sin(a)])
    direction = pixels - source
    rows.append(integral(np.broadcast_to(source, pixels.shape), direction / np.linalg.norm(direction, axis=1)[:, None]))
geometry = {"type": "fanflat", "DetectorWidth": 1.5, "DetectorCount": 64, "ProjectionAngles": alpha[None, :],
            "DistanceOriginSource": 200.0, "DistanceOriginDetector": 100.0}
scipy.io.savemat("tests/data/astra-fan.mat", {"proj_geom": geometry, "sinogram": np.array(rows, "f4")}, do_compression=True)
