"""Writes tests/data/formats-reference.tsv: what pydicom, nibabel and SimpleITK read from every file of the shared data.

    pip install pydicom==3.0.2 nibabel==5.4.2 SimpleITK==2.5.7 pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg
    python tools/formats-reference.py ../shared/data

Each line holds: path, tool, number of values, smallest and largest value (rescaled as the file says); or path, tool,
`-`, `-`, `-`, and the error. docs/formats.md compares these with recon's results.
"""

import sys
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import SimpleITK
from pydicom.pixels import apply_rescale

SERIES = [
    "ge_hispeed_head_tilt18.5_irregular_gaps", "lidc0001_ge_chest_slab", "philips_ingenuity_headphantom_tilt-18.5",
    "siemens_mct_abdomen_j2k", "sts013_ge_thigh_ct", "sts013_philips_thigh_mr_t1",
]
NIFTI = (".nii", ".nii.gz", ".hdr")


def rescaled(dataset):
    values = dataset.pixel_array
    shared = dataset.get("SharedFunctionalGroupsSequence")
    frames = dataset.get("PerFrameFunctionalGroupsSequence")
    for groups in (shared, frames):
        if groups and "PixelValueTransformationSequence" in groups[0]:
            return apply_rescale(values, groups[0].PixelValueTransformationSequence[0])
    return apply_rescale(values, dataset)


def by_pydicom(path):
    return rescaled(pydicom.dcmread(path, force=path.suffix == ".dcm"))


def by_nibabel(path):
    return np.asanyarray(nibabel.load(path).dataobj)


def by_simpleitk(folder):
    reader = SimpleITK.ImageSeriesReader()
    names = reader.GetGDCMSeriesIDs(str(folder))
    if len(names) != 1:
        raise ValueError(f"{len(names)} series")
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), names[0]))
    return SimpleITK.GetArrayFromImage(reader.Execute())


def line(path, tool, read, root):
    try:
        values = np.asarray(read(path))
        if values.dtype.fields or np.iscomplexobj(values):
            raise ValueError(f"{values.dtype} values")
        found = [str(values.size), f"{float(values.min()):.9g}", f"{float(values.max()):.9g}", ""]
    except Exception as error:  # the error of a reader is its result
        text = " ".join(str(error).replace(str(root), "").split())
        found = ["-", "-", "-", f"{type(error).__name__}: {text}"[:110]]
    return "\t".join([str(path.relative_to(root)), tool, *found])


def main():
    root = Path(sys.argv[1]).resolve()
    warnings.simplefilter("ignore")
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    rows = []
    dicom = root / "dicom"
    odd = sorted(folder for folder in (dicom / "series_oddities").iterdir() if folder.is_dir())
    series = [dicom / name for name in SERIES] + odd
    rows += [line(folder, "SimpleITK", by_simpleitk, root) for folder in series]
    for path in sorted(path for path in root.rglob("*") if path.is_file() and path.parent != root):
        if any(folder in path.parents for folder in [root / "LICENSES", root / "projections", *series]):
            continue
        nifti = path.name.endswith(NIFTI)
        rows.append(line(path, "nibabel" if nifti else "pydicom", by_nibabel if nifti else by_pydicom, root))
    versions = f"pydicom {pydicom.__version__}, nibabel {nibabel.__version__}, SimpleITK {SimpleITK.Version().VersionString()}"
    text = f"# made by tools/formats-reference.py with {versions}\n" + "\n".join(rows) + "\n"
    (Path(__file__).parent.parent / "tests/data/formats-reference.tsv").write_text(text)


main()
