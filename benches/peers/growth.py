"""Scaling of recon's projectors with the volume and the number of threads: n^3 voxels, 50 views of n^2 pixels.

usage: python benches/peers/growth.py [largest]     (default 512)

Printed are medians of three runs, voxel-plane steps per second (rays x planes crossed / seconds, the unit of the load
limit) and the time of one thread divided by that of all. recon's side is cargo bench --bench projectors -- --serve.
"""
import os
import statistics
import subprocess
import sys

largest = int(sys.argv[1]) if len(sys.argv) > 1 else 512
VIEWS = 50


def serve(threads):
    command = ["cargo", "bench", "--quiet", "--bench", "projectors", "--", "--serve"]
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def timed(server, job, size):
    times = []
    for _ in range(3):
        server.stdin.write(f"{job} {size} {size} {VIEWS}\n")
        server.stdin.flush()
        times.append(float(server.stdout.readline()))
    return statistics.median(times)


threads = os.cpu_count()
alone, all_ = serve(1), serve(threads)
print(f"| n | job | 1 thread | {threads} threads | ratio | 10^9 steps/s |\n|---|---|---|---|---|---|")
size = 64
while size <= largest:
    for job in ["forward", "adjoint", "backproject"]:
        one, many = timed(alone, job, size), timed(all_, job, size)
        # A ray crosses about n planes; backprojection updates each voxel once per view.
        steps = VIEWS * size**3
        print(f"| {size} | {job} | {one * 1e3:.0f} ms | {many * 1e3:.0f} ms | {one / many:.2f} | {steps / many / 1e9:.2f} |", flush=True)
    size *= 2
