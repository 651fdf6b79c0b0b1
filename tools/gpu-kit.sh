#!/bin/sh
# Packs the files that are needed to test recon on another computer with a GPU:  tools/gpu-kit.sh BINARY [FOLDER]
# Result: recon-gpu-kit.tar.gz in FOLDER (default: target) with the stripped binary, a small scan and gpu-proof.sh. It
# does not contain libtorch, which must be installed there.
set -eu
binary=$1
cd "$(dirname "$0")/.."
target=${2:-target}
most=62914560
folder=$target/recon-gpu-kit
rm -rf "$folder"
mkdir -p "$folder/pipelines" "$folder/phantoms"
cp "$binary" "$folder/recon"
strip "$folder/recon"
cp tools/gpu-proof.sh "$folder/"
cp pipelines/gpu-proof.yaml "$folder/pipelines/"
cp phantoms/shepp-logan.yaml "$folder/phantoms/"
tar -C "$target" -czf "$target/recon-gpu-kit.tar.gz" recon-gpu-kit
size=$(wc -c <"$target/recon-gpu-kit.tar.gz")
[ "$size" -le "$most" ] || { echo "the kit has $size bytes, more than $most" >&2; exit 1; }
echo "$target/recon-gpu-kit.tar.gz: $size bytes; there: tar xzf recon-gpu-kit.tar.gz && recon-gpu-kit/gpu-proof.sh" >&2
