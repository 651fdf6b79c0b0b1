#!/bin/sh
# Tests recon on a GPU with one command and without network access, and prints one Markdown page:
#   ./gpu-proof.sh [DEVICE [PAGE]]      DEVICE cuda (default), cuda:N or cpu; PAGE gpu.md by default
# It needs libtorch 2.11 for CUDA 13: that of the installed Python (pip install torch==2.11.0), or the folder torch/lib
# in TORCH_LIB. `cpu` runs the same steps on the CPU, to test the script itself; it says nothing about a GPU.
# QUICK=1 uses small sizes. Exits with code 1 if a check failed.
set -u
device=${1:-cuda}
page=${2:-gpu.md}
here=$(cd "$(dirname "$0")" && pwd)
recon=$here/recon
pipeline=$here/pipelines/gpu-proof.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
quick=
[ -z "${QUICK:-}" ] || quick=--quick

python=${PYTHON:-python3}
if [ -z "${TORCH_LIB:-}" ]; then
    TORCH_LIB=$("$python" -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))' 2>/dev/null) || {
        echo "no torch in $python: install torch==2.11.0, or set TORCH_LIB to the folder torch/lib of a libtorch 2.11" >&2
        exit 5
    }
fi
export LD_LIBRARY_PATH="$TORCH_LIB${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export RECON_KERNEL_CACHE="$work/kernels"

say() { printf '%s\n' "$*" >>"$work/page"; }
# check NAME FOUND EXPECTED PASSED(0 or 1): adds a row to the table
check() {
    if [ "$4" = 1 ]; then verdict=holds; else verdict="**FAILS**"; failed=1; fi
    say "| $1 | $2 | $3 | $verdict |"
}
# run NAME DEVICE: runs the pipeline into a new folder, without results of an earlier run
run() {
    if ! "$recon" run "$pipeline" --device "$2" --output "$work/$1" --quiet >/dev/null 2>"$work/$1.log"; then
        cat "$work/$1.log" >&2
        check "the pipeline on $2" "$(head -n 1 "$work/$1.log")" "it ends" 0
        finish
    fi
}
# psnr A B: PSNR in dB of volume B with volume A as reference
psnr() {
    "$recon" compare "$1" "$2" --json 2>/dev/null | tr ',{}' '\n' | sed -n 's/.*"psnr_db": *\([-0-9.eE+]*\).*/\1/p' | head -n 1
}
holds() { awk "BEGIN { print ($1) ? 1 : 0 }"; }
finish() {
    cp "$work/page" "$page"
    cat "$page"
    exit "$failed"
}

say "# recon on $device"
say
say "$(date -u +%Y-%m-%d), $("$recon" --version)"
say
say '```text'
"$recon" doctor >>"$work/page" 2>&1
if command -v nvidia-smi >/dev/null; then nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv >>"$work/page" 2>&1; fi
say '```'
[ "$device" = cpu ] && say && say "Run on the CPU: this page only tests the script; no GPU was used."
say
say "## Parity"
say
say "| what | found | expected | |"
say "|---|---|---|---|"
run cpu cpu
run card "$device"
for method in fdk sirt tv siren hash; do
    volume=$method/volume.nii.gz
    truth=$work/cpu/truth.nii.gz
    case $method in
    fdk | sirt)
        # 60 dB: the root mean square difference is a thousandth of the volume's range.
        apart=$(psnr "$work/cpu/$volume" "$work/card/$volume")
        # An empty result means that the volumes are equal.
        check "$method, card against CPU" "${apart:-equal}" "60 dB or more" "$(holds "${apart:-999} >= 60")"
        ;;
    *)
        one=$(psnr "$truth" "$work/cpu/$volume")
        other=$(psnr "$truth" "$work/card/$volume")
        check "$method, PSNR on card and CPU" "${other:-none} and ${one:-none} dB" "within 0.1 dB" \
            "$(holds "(${other:-0} - ${one:-99}) ^ 2 <= 0.01")"
        ;;
    esac
done
run again "$device"
for method in fdk sirt tv siren hash; do
    same=0
    cmp -s "$work/card/$method/volume.nii.gz" "$work/again/$method/volume.nii.gz" && same=1
    check "$method twice on the card" "$([ $same = 1 ] && echo identical || echo different)" identical $same
done

say
say "## Memory faults"
say
if [ "$device" != cpu ] && command -v compute-sanitizer >/dev/null; then
    if compute-sanitizer --error-exitcode 9 "$recon" run "$pipeline" --device "$device" --output "$work/sanitised" \
        --set 'reconstruct=[fdk, {sirt: {iterations: 2}}]' --quiet >"$work/sanitised.log" 2>&1; then
        say "compute-sanitizer found none in a projection, its adjoint and a backprojection."
    else
        failed=1
        say "**FAILS**: compute-sanitizer says"
        say
        say '```text'
        tail -n 20 "$work/sanitised.log" >>"$work/page"
        say '```'
    fi
else
    say "Not checked: compute-sanitizer is not installed, or the device is the CPU."
fi

say
say "## Speed"
say
# shellcheck disable=SC2086
if "$recon" bench device --device "$device" $quick --output "$work/bench" >>"$work/page" 2>"$work/bench.log"; then
    say
else
    failed=1
    say "**FAILS**: $(head -n 1 "$work/bench.log")"
fi
finish
