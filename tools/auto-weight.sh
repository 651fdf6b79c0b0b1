#!/bin/sh
# Compares the total-variation weight that is chosen without the truth with the best weight of a list; prints the table
# of docs/regularisation.md.
#   RECON=target/release/recon DATA=/path/to/data tools/auto-weight.sh [CASE...]
# DATA holds nifti/ct_thorax_cta_1.5mm*.nii* and dicom/sts013_ge_thigh_ct (cases thorax and thigh). KIND=tgv does the
# same for total generalised variation.
set -eu
cd "$(dirname "$0")/.."
recon=${RECON:-target/release/recon}
kind=${KIND:-tv}
out=${OUT:-runs/auto-weight}
methods="{name: held-out, $kind: {weight: auto}}, {name: discrepancy, $kind: {weight: {auto: {by: discrepancy}}}}"
for weight in ${WEIGHTS:-6.0e-6 2.0e-5 6.0e-5 2.0e-4 6.0e-4 2.0e-3 6.0e-3}; do
  name=$(echo "w$weight" | tr -d '.')
  methods="$methods, {name: $name, $kind: {weight: $weight}}"
done

# run CASE PIPELINE SETTINGS...
run() {
  case=$1; pipeline=$2; shift 2
  "$recon" run "$pipeline" --output "$out/$case" --set "reconstruct=[$methods]" --set 'export.report=[json]' "$@" >"$out/$case.log" 2>&1 ||
    { tail -n 5 "$out/$case.log"; return 0; }
  python3 - "$case" "$out/$case/report.json" <<'PYTHON'
import json, sys
case, path = sys.argv[1:]
methods = {m["name"]: m for m in json.load(open(path))["methods"]}
psnr = {name: m["metrics"].get("psnr_db") or float("nan") for name, m in methods.items()}
fixed = {name: value for name, value in psnr.items() if name.startswith("w")}
best = max(fixed, key=fixed.get)
text = f"{case:12s} best {best[1:]} {fixed[best]:6.2f} dB"
for name in ("held-out", "discrepancy"):
    notes = methods[name].get("notes", {})
    tried = len(notes.get("weights_tried", []))
    text += f" | {name} {notes.get('weight', float('nan')):.1e} {psnr[name]:6.2f} dB ({psnr[name] - fixed[best]:+.2f}) {tried} trials {methods[name]['seconds']:.1f} s"
print(text + f" | one weight {methods[best]['seconds']:.1f} s", flush=True)
print("             " + " ".join(f"{name[1:]}:{value:.2f}" for name, value in fixed.items()), flush=True)
PYTHON
}

mkdir -p "$out"
# SMALL=1 uses slices of 128² and 3-D voxels of 8 mm, for a quick test.
slice="--set grid.shape=[256,256] --set simulate.geometry.parallel.detector.pixels=384 --set simulate.geometry.parallel.detector.pitch_mm=0.75"
coarse=""
if [ -n "${SMALL:-}" ]; then
  slice="--set name=slice"
  coarse="--set grid={spacing_mm:\ 8} --set simulate.geometry.cone.detector.pitch_mm=[12,12]"
fi
# section PIPELINE SETTING VIEWS PHOTONS: one axial slice, parallel beam, pixels of 3 mm.
section() {
  run "$case" "$1" --set "$2" --set load.crop=null --set 'load.slice={part: 0.5}' --set 'grid={spacing_mm: 3}' \
    --set "simulate.geometry={parallel: {views: $3, arc_deg: 180, detector: {pixels: auto, pitch_mm: 3}}}" --set "simulate.noise.photons=$4"
}
cases="slice slice-few slice-clean volume thorax thigh"
sections="thorax30-1.0e4 thorax30-1.0e5 thorax60-1.0e4 thorax60-1.0e5 thigh30-1.0e4 thigh30-1.0e5 thigh60-1.0e4 thigh60-1.0e5"
for case in ${*:-$cases $sections}; do
  # shellcheck disable=SC2086  # the settings are words
  case $case in
    slice) run slice pipelines/shepp-logan-2d.yaml $slice --set simulate.geometry.parallel.views=60 ;;
    slice-few) run slice-few pipelines/shepp-logan-2d.yaml $slice --set simulate.geometry.parallel.views=30 --set simulate.noise.photons=1.0e4 ;;
    slice-clean) run slice-clean pipelines/shepp-logan-2d.yaml $slice --set simulate.geometry.parallel.views=60 --set simulate.noise=null ;;
    volume) run volume pipelines/ct.yaml --set simulate.geometry.cone.views=50 ;;
    thorax) run thorax pipelines/nifti.yaml --set "load.nifti.path=$(find "$DATA/nifti/" -path '*ct_thorax_cta_1.5mm*' -name '*.nii*' | head -n 1)" ;;
    thigh) run thigh pipelines/dicom.yaml --set "load.dicom.path=$DATA/dicom/sts013_ge_thigh_ct" --set simulate.geometry.cone.views=25 \
      --set simulate.noise.photons=1.0e4 ;;
    thorax[36]0-*)
      views=${case%-*}
      section pipelines/nifti.yaml "load.nifti.path=$(find "$DATA/nifti/" -path '*ct_thorax_cta_1.5mm*' -name '*.nii*' | head -n 1)" \
        "${views#thorax}" "${case#*-}" ;;
    thigh[36]0-*) views=${case%-*}; section pipelines/dicom.yaml "load.dicom.path=$DATA/dicom/sts013_ge_thigh_ct" "${views#thigh}" "${case#*-}" ;;
    *) echo "unknown case $case"; exit 2 ;;
  esac
done
