#!/bin/sh
# Installs recon into a folder that can be moved anywhere:  tools/install.sh LIBTORCH PREFIX
#   bin/recon                       finds its libraries in ../lib/recon
#   lib/recon/{torch,nvidia}        libtorch's libraries, arranged as in its wheels (it looks for CUDA beside itself)
#   share/recon/{pipelines,phantoms}
set -eu
linked=$1
prefix=$2
cd "$(dirname "$0")/.."
torch=$(dirname "$(readlink -f "$linked/lib/libtorch_cpu.so")")
nvidia=$torch/../../nvidia
home=$prefix/lib/recon
new=$home.new

# copy FILE...: copies files into the new torch/lib and follows links; files that this libtorch does not have are
# omitted.
copy() {
    for file in "$@"; do
        [ ! -e "$file" ] || cp -L "$file" "$new/torch/lib/"
    done
}

rm -rf "$new"
mkdir -p "$new/torch/lib" "$prefix/bin" "$prefix/share/recon"
copy "$torch"/libc10.so "$torch"/libtorch_cpu.so "$torch"/libtorch.so "$torch"/libgomp*.so*
if [ -d "$nvidia" ]; then
    cp -RL "$nvidia" "$new/nvidia"
    find "$new/nvidia" -type f ! -name '*.so*' -delete
    # The libraries for a GPU, if `make libtorch-cuda` has fetched them.
    [ ! -d "$nvidia/cudnn" ] || copy "$torch"/libc10_cuda.so "$torch"/libtorch_cuda*.so "$torch"/libcaffe2_nvrtc.so "$torch"/libtorch_nvshmem.so
fi
rm -rf "$home"
mv "$new" "$home"
cp target/release/recon "$prefix/bin/recon.new"
mv "$prefix/bin/recon.new" "$prefix/bin/recon"
cp -R pipelines phantoms "$prefix/share/recon/"
"$prefix/bin/recon" doctor >/dev/null
printf 'installed %s; try: %s run %s\n' "$prefix/bin/recon" "$prefix/bin/recon" "$prefix/share/recon/pipelines/ct.yaml" >&2
