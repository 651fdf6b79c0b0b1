#!/usr/bin/env python3
"""Reference values of tests/methods/variation.rs: total-variation reconstruction of a tiny 2-D scan in f64, by plain
PDHG.

python3 tools/golden-tv.py        (numpy)

Grid of 12 x 12 pixels of 5 mm, 10 parallel views over 180 degrees, 18 columns of 5 mm, mu_water 0.02 /mm, so that x =
mu / 0.05. The data come from a formula that the test evaluates too. A is an independent implementation of Joseph's
projector (1982), with the exact operator norm. Iterates until the duality gap, with the dual made feasible, is below
1e-9 of the objective.
"""
import numpy as np

N, H, VIEWS, COLUMNS, PITCH, MU_REF = 12, 5.0, 10, 18, 5.0, 0.05


def matrix():
    rows = []
    for v in range(VIEWS):
        t = np.pi * v / VIEWS
        along, u = np.array([np.cos(t), np.sin(t)]), np.array([-np.sin(t), np.cos(t)])
        for c in range(COLUMNS):
            p = u * (c - (COLUMNS - 1) / 2) * PITCH
            row = np.zeros((N, N))  # [y, x]
            main = int(abs(along[1]) > abs(along[0]))  # 0: x, 1: y
            other = 1 - main
            for i in range(N):
                at = (i - (N - 1) / 2) * H
                s = (at - p[main]) / along[main]
                f = (p[other] + s * along[other]) / H + (N - 1) / 2
                low = int(np.floor(f))
                for j, w in ((low, 1 - (f - low)), (low + 1, f - low)):
                    if 0 <= j < N:
                        row[(j, i) if main == 0 else (i, j)] += w * H / abs(along[main])
            rows.append(row.ravel())
    return np.array(rows)


def data():
    v, c = np.mgrid[0:VIEWS, 0:COLUMNS]
    s = (c - (COLUMNS - 1) / 2) * PITCH
    body = 0.02 * 2 * np.sqrt(np.maximum(22.0**2 - s**2, 0)) + 0.03 * 2 * np.sqrt(np.maximum(8.0**2 - (s - 7) ** 2, 0))
    return (body + 0.02 * np.sin(1.7 * c + 2.3 * v)).ravel()


def gradient():
    d = np.zeros((N, N))
    for i in range(N - 1):
        d[i, i], d[i, i + 1] = -1, 1
    return np.kron(d, np.eye(N)), np.kron(np.eye(N), d)  # y, x


def solve(weight, delta):
    a, y = matrix(), data() / MU_REF
    norm = np.linalg.norm(a, 2)
    a, y = a / norm, y / norm
    dy, dx = gradient()
    k = np.vstack([a, dy, dx])
    size = np.linalg.norm(k, 2)
    x = np.zeros(N * N)
    bar, p, q = x.copy(), np.zeros(len(y)), np.zeros((2, N * N))
    tau = 30.0
    sigma = 1 / (tau * size**2)
    for it in range(400000):
        p = (p + sigma * (a @ bar - y)) / (1 + sigma)
        q = (q + sigma * np.array([dy @ bar, dx @ bar])) / (1 + sigma * delta / weight)
        q = q / np.maximum(1, np.sqrt((q**2).sum(0)) / weight)
        new = np.maximum(x - tau * (a.T @ p + dy.T @ q[0] + dx.T @ q[1]), 0)
        bar, x = 2 * new - x, new
        if it % 2000 == 1999:
            g = np.sqrt((dy @ x) ** 2 + (dx @ x) ** 2)
            h = np.where(g < delta, g**2 / (2 * delta) if delta else 0, g - delta / 2)
            primal = 0.5 * ((a @ x - y) ** 2).sum() + weight * h.sum()
            # Shift p by a constant until Kᵀ(p, q) >= 0 everywhere, so that the dual value is a true lower bound.
            s = a.T @ p + dy.T @ q[0] + dx.T @ q[1]
            shift = max(0, (-s / (a.T @ np.ones(len(y)))).max())
            f = p + shift
            dual = -0.5 * (f**2).sum() - f @ y - delta / (2 * weight) * (q**2).sum()
            if primal - dual < 1e-9 * primal:
                break
    return primal, (primal - dual) / primal, x.reshape(N, N), it + 1, norm**2


for weight, delta in ((0.003, 0.0), (0.003, 0.05)):
    primal, gap, x, its, norm2 = solve(weight, delta)
    print(f"w {weight} huber {delta}: objective {primal:.9f} gap {gap:.1e} after {its}, norm^2 {norm2:.6f}")
    print("  x[y, x]:", {at: round(float(x[at]), 6) for at in ((5, 5), (2, 6), (6, 9), (0, 0), (8, 3))}, "sum", round(float(x.sum()), 5))
