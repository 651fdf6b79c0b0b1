"""Time and memory of a fit's steps from 32^3 to 256^3 voxels: a bf16 SIREN of 3 x 256 evaluated on the whole grid of
n^3 voxels, with 25 cone-beam views of 1.5 n x 1.5 n pixels.

usage: python3 benches/peers/field_growth.py [largest [PROGRAM]]     (default 256 target/release/recon)

Printed per size: median seconds of a data step, points per second, and the highest resident memory of the runs so far.
"""
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

largest = int(sys.argv[1]) if len(sys.argv) > 1 else 256
program = sys.argv[2] if len(sys.argv) > 2 else "target/release/recon"
CASE = """
name: growth
load: {{phantom: {{file: {folder}/phantoms/shepp-logan.yaml}}}}
grid: {{shape: [{n}, {n}, {n}]}}
simulate:
  geometry: {{cone: {{views: 25, source_to_axis_mm: 500, source_to_detector_mm: 700, detector: {{pixels: [{m}, {m}], pitch_mm: [{pitch}, {pitch}]}}}}}}
  noise: {{photons: 1.0e5, electronic_sd: 10}}
reconstruct:
  - name: siren
    neural_field: {{field: {{siren: {{width: 256, precision: bf16}}}}, start: null, steps: 3, tv: 1.0e-4, support: false}}
evaluate: {{metrics: [psnr_db]}}
export: {{volumes: [], report: [json]}}
"""
print("| n | a data step | points/s | memory |\n|---|---|---|---|")
size = 32
while size <= largest:
    with tempfile.TemporaryDirectory() as folder:
        here = os.getcwd()
        pixels = 3 * size // 2
        open(f"{folder}/case.yaml", "w").write(CASE.format(folder=here, n=size, m=pixels, pitch=384 / pixels))
        subprocess.run([program, "run", f"{folder}/case.yaml", "--output", f"{folder}/run", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        curve = json.load(open(f"{folder}/run/report.json"))["methods"][0]["curve"]
        seconds = [point["seconds"] for point in curve]
        step = statistics.median(b - a for a, b in zip(seconds, seconds[1:]))
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"| {size} | {step:.2f} s | {size**3 / step / 1e3:.0f} k | {memory:.0f} MiB |", flush=True)
    size *= 2
