"""Writes tests/data/exchange.h5: a small scan in the tomopy/DXchange layout, to test the reader.

    pip install h5py==3.16 numpy && python tools/golden-measured.py

24 views over 180 degrees, 3 rows, 40 columns of counts (uint16, chunked, compressed, shuffled) of a cylinder (mu 0.1 per
pixel, radius 6 pixels, 8 pixels off the axis, which projects to column 18.0); flat fields of about 20000 counts with
one cosmic ray and a dead pixel (row 1, column 30), dark fields of 100 counts; theta in degrees, big-endian float64.
There is no noise, so that the test can compare with the formula.
"""

import h5py
import numpy as np

theta = np.arange(24) * 7.5
column = np.arange(40)
center = 18.0 + 8.0 * np.cos(np.radians(theta))
chord = 2 * np.sqrt(np.maximum(36.0 - (column[None, :] - center[:, None]) ** 2, 0))
open_beam = 20000.0 + 10.0 * column
counts = 100.0 + (open_beam - 100.0) * np.exp(-0.1 * chord)
data = np.repeat(counts[:, None, :], 3, axis=1)
flats = np.broadcast_to(open_beam, (5, 3, 40)).copy()
darks = np.full((5, 3, 40), 100.0)
flats[2, 0, 10] = 65535
for part in (data, flats, darks):
    part[:, 1, 30] = 100

with h5py.File("tests/data/exchange.h5", "w", libver="earliest", track_order=False) as file:
    group = file.create_group("exchange")
    for name, values in [("data", data), ("data_white", flats), ("data_dark", darks)]:
        group.create_dataset(name, data=np.rint(values).astype("<u2"), chunks=(min(8, len(values)), 2, 40), compression="gzip", shuffle=True, track_times=False)
    group.create_dataset("theta", data=theta.astype(">f8"), track_times=False)
    group.create_dataset("note", data="made by tools/golden-measured.py", track_times=False)
