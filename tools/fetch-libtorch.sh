#!/bin/sh
# Fetches libtorch into .libtorch/VERSION (git-ignored) from the wheels on PyPI.
#   tools/fetch-libtorch.sh cpu     the libraries for a computer without a GPU (0.5 GB download)
#   tools/fetch-libtorch.sh cuda    also the CUDA libraries that a GPU needs (about 2 GB more)
#   tools/fetch-libtorch.sh nvrtc   only the compiler of device kernels (90 MB), which needs no GPU
# Result: torch/ and nvidia/ as in the wheels, and link/, the folder torch-sys links against.
# libtorch_cuda.so is not in link/: the same binary works with and without a GPU, and opens it only if a GPU is used.
set -eu
version=2.11.0
kind=${1:-cpu}
root=$(cd "$(dirname "$0")/.." && pwd)
home=$root/.libtorch/$version
python=${PYTHON:-python3}
say() { printf 'libtorch: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "the automatic fetch knows Linux x86-64 only; set LIBTORCH to a libtorch $version of your own"
command -v "$python" >/dev/null || fail "needs Python 3 with pip to download the wheels (or set PYTHON, or LIBTORCH to a libtorch of your own)"
"$python" -m pip --version >/dev/null 2>&1 || fail "'$python -m pip' does not run; install pip, or set LIBTORCH to a libtorch $version of your own"

# wheels REQUIREMENT...: downloads wheels for any CPython (only their libraries are used) and unpacks them.
# The torch wheel depends on Python packages that recon does not need; DEPENDENCIES=no (default) omits them.
wheels() {
    say "downloading $*"
    rm -rf "$home/download"
    flags=
    [ "${DEPENDENCIES:-no}" = yes ] || flags=--no-deps
    "$python" -m pip download --quiet $flags --only-binary=:all: --implementation cp --python-version 3.12 --abi cp312 --abi abi3 --abi none \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_25_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --platform manylinux2010_x86_64 --platform manylinux1_x86_64 \
        --dest "$home/download" "$@" || fail "cannot download $*"
    for file in "$home"/download/*.whl; do
        "$python" -m zipfile -e "$file" "$home/unpacked" || fail "cannot unpack $file"
    done
    rm -rf "$home/download"
}

cpu() {
    [ -f "$home/complete-cpu" ] && return 0
    say "version $version (CPU subset) goes to .libtorch/$version, once"
    rm -rf "$home/unpacked" "$home/torch" "$home/link"
    mkdir -p "$home/nvidia"
    wheels torch==$version nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
    mv "$home/unpacked/torch" "$home/torch"
    # `nvrtc` may already have put files there.
    cp -a "$home/unpacked/nvidia/." "$home/nvidia/"
    rm -rf "$home/unpacked"
    found=$(sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" "$home/torch/version.py")
    [ "$found" = $version ] || fail "expected torch $version, the wheel says '$found'"
    mkdir -p "$home/link/lib"
    ln -sfn ../torch/include "$home/link/include"
    echo "$version" > "$home/link/build-version"
    for library in libc10.so libtorch_cpu.so libtorch.so libgomp.so.1; do
        [ -e "$home/torch/lib/$library" ] || fail "the wheel lacks $library"
        ln -sfn "../../torch/lib/$library" "$home/link/lib/$library"
    done
    touch "$home/complete-cpu"
    say "ready"
}

cuda() {
    [ -f "$home/complete-cuda" ] && return 0
    say "adding the CUDA libraries that torch $version asks for"
    rm -rf "$home/unpacked"
    DEPENDENCIES=yes wheels "cuda-toolkit[cublas,cudart,cufft,cufile,cupti,curand,cusolver,cusparse,nvjitlink,nvrtc,nvtx]==13.0.2" \
        nvidia-cudnn-cu13==9.19.0.56 nvidia-cusparselt-cu13==0.8.0 nvidia-nccl-cu13==2.28.9
    cp -a "$home/unpacked/nvidia/." "$home/nvidia/"
    rm -rf "$home/unpacked"
    touch "$home/complete-cuda"
    say "CUDA libraries ready; recon opens them when a device is asked for"
}

nvrtc() {
    [ -f "$home/nvidia/cu13/lib/libnvrtc.so.13" ] && return 0
    rm -rf "$home/unpacked"
    mkdir -p "$home/nvidia"
    wheels nvidia-cuda-nvrtc==13.0.88
    cp -a "$home/unpacked/nvidia/." "$home/nvidia/"
    # An alternative build of the same library, which is not needed.
    rm -rf "$home/unpacked" "$home"/nvidia/cu13/lib/*.alt.so*
    say "the compiler of device kernels is ready"
}

case $kind in
    nvrtc) nvrtc ;;
    cpu) cpu ;;
    cuda) cpu; cuda ;;
    *) fail "unknown kind '$kind': cpu, cuda or nvrtc" ;;
esac
