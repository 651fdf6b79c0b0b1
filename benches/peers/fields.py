"""Compares training steps of coordinate networks with eager PyTorch, timed in alternation on the same work.

usage: python benches/peers/fields.py [points [steps [rounds]]]     (default 8192 20 5)

A step is forward, half the sum of squares, backward and Adam, on the same number of points and threads. PyTorch's
networks are the usual ones: SIREN 3 x 256 in f32 and under bfloat16 autocast; a hash grid in 2-D and 3-D with 8 levels
of 2 features, 4 to 128 cells, and a 2 x 64 ReLU network. recon's side is `cargo bench --bench fields -- --serve`.
Printed are thousands of points per second (medians) and the ratio.
"""
import statistics
import subprocess
import sys
import time

import torch

from networks import HashGrid, Siren

points, steps, rounds = [int(a) for a in sys.argv[1:4]] + [8192, 20, 5][len(sys.argv) - 1 :]


def pytorch(make, inputs, autocast):
    torch.manual_seed(0)
    network = make(inputs)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.9, 0.99))
    p = torch.rand(points, inputs) * 2 - 1
    target = torch.sin(3 * p.sum(1))

    def step():
        begin = time.perf_counter()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            values = network(p)
        (0.5 * (values.float() - target).square().sum()).backward()
        optimizer.step()
        return time.perf_counter() - begin

    step()
    return lambda: statistics.median(step() for _ in range(steps))


HASH = "mlp: {encoding: {hash_grid: {levels: 8, features: 2, base: 4, finest: 128}}, width: 64, depth: 2}"
jobs = [
    ("siren 3x256 f32", Siren, 3, False, "siren: {width: 256, depth: 3}"),
    ("siren 3x256 bf16 : f32", Siren, 3, False, "siren: {width: 256, depth: 3, precision: bf16}"),
    ("siren 3x256 bf16 : bf16", Siren, 3, True, "siren: {width: 256, depth: 3, precision: bf16}"),
    ("hash grid 2-D", HashGrid, 2, False, HASH),
    ("hash grid 3-D", HashGrid, 3, False, HASH),
]
command = ["cargo", "bench", "--quiet", "--bench", "fields", "--", "--serve"]
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def recon(field, inputs):
    server.stdin.write(f"{field}; {inputs}; {points}; {steps}\n")
    server.stdin.flush()
    return float(server.stdout.readline())


print(f"{points} points a step, {torch.get_num_threads()} threads, PyTorch {torch.__version__}")
for name, make, inputs, autocast, field in jobs:
    peer = pytorch(make, inputs, autocast)
    recon(field, inputs)
    times = [(peer(), recon(field, inputs)) for _ in range(rounds)]
    theirs, ours = (statistics.median(column) for column in zip(*times))
    rate = lambda seconds: points / seconds / 1e3
    print(f"{name:26s} PyTorch {rate(theirs):8.0f} k/s   recon {rate(ours):8.0f} k/s   ratio {theirs / ours:6.2f}", flush=True)
server.stdin.close()
