#!/usr/bin/env python3
"""Checks the exported files of a run folder with independent tools.

    python3 -m venv venv && venv/bin/pip install nibabel pydicom SimpleITK
    venv/bin/python tools/check-export.py runs/ct [--source DICOM_FOLDER] [--input FILE.nii.gz]

For truth.nii.gz and every <method>/volume.nii.gz: nibabel and SimpleITK can open it; sform and qform have code 1 and
are the same affine to 1e-5; SimpleITK gives the same position of every corner (LPS/RAS flip). For every <method>/dicom:
pydicom reads each file, SimpleITK reads the series, and its voxels (Hounsfield units, up to rounding) and corners agree
with the method's volume.nii.gz; UIDs are unique, preambles are zero, all slices share one study, series and frame of
reference. dciodvfy (Debian package dicom3tools), if installed, finds no error.

--source: the DICOM series from which the run was made. The export must be in its study and frame of reference and link
its source images; errors of dciodvfy that the source's own files also have are accepted.
--input: the NIfTI file from which the run was made. Every exported volume must lie inside its box.

Exit code 0 if everything holds, 1 otherwise; one line per check.
"""
import argparse
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk

FLIP = np.diag([-1.0, -1.0, 1.0])  # RAS <-> LPS
MU_WATER = 0.0206  # 1/mm, the default of the pipeline
failures = 0


def check(holds, what, detail=""):
    global failures
    failures += not holds
    print(f"{'ok  ' if holds else 'FAIL'} {what}{': ' + str(detail) if detail != '' else ''}")


def corners(shape, point):
    """World coordinates of the eight corner voxels; `point` maps an index (i, j, k) to world coordinates."""
    return np.array([point(index) for index in product(*[(0, n - 1) for n in shape])])


def nifti(path):
    """Checks one NIfTI file; returns the image, its values in RAS order and its affine."""
    image = nib.load(path)
    header = image.header
    sform, scode = image.get_sform(coded=True)
    qform, qcode = image.get_qform(coded=True)
    check(scode == 1 and qcode == 1, f"{path}: sform and qform have code 1", (scode, qcode))
    ends = np.array(list(product(*[(0, n - 1) for n in image.shape[:3]])))
    apart = np.abs(sform - qform).max()
    check(apart < 1e-5, f"{path}: sform and qform are one affine", f"{apart:.2g}")
    apart = np.abs(nib.affines.apply_affine(sform, ends) - nib.affines.apply_affine(qform, ends)).max()
    check(apart < 1e-3, f"{path}: sform and qform agree at every corner", f"{apart:.2g} mm")
    check(header.get_xyzt_units()[0] == "mm", f"{path}: unit mm")
    values = image.get_fdata(dtype=np.float32)
    check(np.isfinite(values).all(), f"{path}: all voxels finite")
    other = sitk.ReadImage(str(path))
    point = lambda index: FLIP @ np.array(other.TransformIndexToPhysicalPoint([int(i) for i in index]))
    apart = np.abs(corners(image.shape[:3], point) - nib.affines.apply_affine(sform, ends)).max()
    check(apart < 1e-3, f"{path}: SimpleITK and nibabel place it alike", f"{apart:.2g} mm")
    same = np.array_equal(sitk.GetArrayFromImage(other).transpose(2, 1, 0), values)
    check(same, f"{path}: SimpleITK and nibabel read the same voxels")
    return image, values, sform


def hounsfield(image, values):
    """Converts the volume to HU if the unit in its description is 1/mm."""
    description = image.header["descrip"].item().decode(errors="replace")
    if description.rstrip("\0").endswith("[1/mm]"):
        return 1000 * (values / MU_WATER - 1)
    return values


def dicom(folder, volume, source):
    """Checks one exported series against the NIfTI volume of the same method; returns its files."""
    files = sorted(folder.glob("*.dcm"))
    sets = [pydicom.dcmread(file) for file in files]
    check(all(file.read_bytes()[:128] == bytes(128) for file in files), f"{folder}: preambles are zero")
    for keyword in ["StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"]:
        check(len({str(s.get(keyword)) for s in sets}) == 1, f"{folder}: one {keyword}")
    check(len({s.SOPInstanceUID for s in sets}) == len(sets), f"{folder}: {len(sets)} unique instances")
    uids = {str(s[k].value) for s in sets for k in ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]}
    check(all(pydicom.uid.UID(uid).is_valid for uid in uids), f"{folder}: all UIDs valid")
    first = sets[0]
    check(list(first.ImageType[:3]) == ["DERIVED", "SECONDARY", "AXIAL"] and first.RescaleType == "HU", f"{folder}: derived, in HU")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    found = sitk.GetArrayFromImage(image).astype(np.float64)  # [z, y, x] LPS
    pixels = np.stack([s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in sorted(sets, key=lambda s: int(s.InstanceNumber))])
    check(np.array_equal(pixels, found), f"{folder}: pydicom and SimpleITK read the same voxels")
    if volume is not None:
        nifti_image, values, affine = volume
        # The NIfTI volume must have the same value at the same point as the exported slices.
        inverse = np.linalg.inv(affine)
        shape = image.GetSize()
        rng = np.random.default_rng(0)
        worst_place, worst_value = 0.0, 0.0
        expected = hounsfield(nifti_image, values)
        for index in list(product(*[(0, n - 1) for n in shape])) + [tuple(int(rng.integers(n)) for n in shape) for _ in range(2000)]:
            place = nib.affines.apply_affine(inverse, FLIP @ np.array(image.TransformIndexToPhysicalPoint(index)))
            nearest = np.clip(np.rint(place).astype(int), 0, np.array(values.shape) - 1)
            worst_place = max(worst_place, np.abs(place - nearest).max())
            want = np.clip(expected[tuple(nearest)], -32768, 32767)
            worst_value = max(worst_value, abs(want - found[index[2], index[1], index[0]]))
        check(worst_place < 1e-2, f"{folder}: in the place of the NIfTI volume", f"{worst_place:.2g} voxels off")
        check(worst_value <= 0.51, f"{folder}: the values of the NIfTI volume", f"{worst_value:.2g} HU off")
    if source:
        if source.get("StudyInstanceUID"):
            check(first.StudyInstanceUID == source.StudyInstanceUID, f"{folder}: in the source's study")
        check(first.get("FrameOfReferenceUID") == source.get("FrameOfReferenceUID"), f"{folder}: in the source's frame of reference")
        check(first.SeriesInstanceUID != source.get("SeriesInstanceUID"), f"{folder}: a series of its own")
        check(len(first.get("SourceImageSequence", [])) > 0, f"{folder}: source images linked")
    return files


def errors(file):
    """Errors that dciodvfy reports for a file, with concrete values replaced by <>."""
    run = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, errors="replace")
    lines = [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("Error")]
    return {re.sub(r"<[^>]*>", "<>", line) if "Value" in line else line for line in lines}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--source", type=Path, help="DICOM folder the run was made from")
    parser.add_argument("--input", type=Path, help="NIfTI file the run was made from")
    options = parser.parse_args()
    source, allowed = None, set()
    if options.source:
        files = sorted(file for file in options.source.rglob("*") if file.is_file())
        source = pydicom.dcmread(files[0], stop_before_pixels=True)
        allowed = errors(files[0]) if shutil.which("dciodvfy") else set()
    volumes = {}
    for path in sorted(options.run.glob("*.nii.gz")) + sorted(options.run.glob("*/volume.nii.gz")):
        volumes[path.parent] = nifti(path)
        if options.input:
            around = nib.load(options.input)
            image, _, affine = volumes[path.parent]
            ends = np.array(list(product(*[(-0.5, n - 0.5) for n in image.shape[:3]])))
            inside = nib.affines.apply_affine(np.linalg.inv(around.affine) @ affine, ends)
            room = np.maximum(-0.5 - inside.min(0), inside.max(0) - (np.array(around.shape[:3]) - 0.5)).max()
            check(room < 0.51, f"{path}: inside the box of {options.input.name}", f"{room:.2g} voxels outside")
    for folder in sorted(options.run.glob("*/dicom")):
        files = dicom(folder, volumes.get(folder.parent), source)
        if shutil.which("dciodvfy"):
            found = set().union(*(errors(file) for file in (files[0], files[len(files) // 2], files[-1]))) - allowed
            check(not found, f"{folder}: dciodvfy reports no error that the source has not", "; ".join(sorted(found)))
        else:
            print(f"skip {folder}: dciodvfy is not installed")
    if not volumes:
        check(False, f"{options.run}: no truth.nii.gz or <method>/volume.nii.gz in it")
    print(f"{failures} of the checks failed" if failures else "all checks hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
