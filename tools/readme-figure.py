"""Makes docs/images/ct.png from a finished run of pipelines/ct.yaml: python tools/readme-figure.py runs/ct docs/images/ct.png

Needs nibabel and matplotlib. Shows one axial and one sagittal slice of the truth, the best FDK and the SIREN in one
grey window, and their signed errors on one scale.
"""
import json, sys
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import nibabel as nib

run, target = sys.argv[1:3]
report = json.load(open(f"{run}/report.json"))
psnr = {method["name"]: method["metrics"]["psnr_db"] for method in report["methods"]}
fdk = max((name for name in psnr if name.startswith("fdk")), key=psnr.get)
volume = lambda path: nib.load(path).get_fdata()
truth = volume(f"{run}/truth.nii.gz")
shown = [("truth", truth)] + [(f"{name}, {psnr[name]:.1f} dB", volume(f"{run}/{name}/volume.nii.gz")) for name in (fdk, "siren")]
# NIfTI is RAS+ (axis 0 points to the right); shown in the radiological convention, the patient's left on the right.
axial = lambda v: v[::-1, ::-1, v.shape[2] // 2].T
figure, axes = plt.subplots(1, 5, figsize=(12.5, 2.9), dpi=100)
for axis, (title, values) in zip(axes, shown):
    axis.imshow(axial(values), cmap="gray", vmin=-1000, vmax=50)
    axis.set_title(title, fontsize=10)
for axis, (title, values) in zip(axes[3:], shown[1:]):
    image = axis.imshow(axial(values - truth), cmap="RdBu_r", vmin=-300, vmax=300)
    axis.set_title(f"error of {title.split(',')[0]}, ±300 HU", fontsize=10)
for axis in axes:
    axis.axis("off")
figure.tight_layout(pad=0.3)
figure.savefig(target, facecolor="white")
