#!/usr/bin/env bash
# The laws, the golden table and the speed table on a GPU, with the CUDA libtorch of a PyTorch that is installed there:
#
#   tests/gpu.sh publish                    builds artifacts/gpu, self-contained: the machine with the GPU needs no .NET, only this folder
#   tests/gpu.sh LIBTORCH_DIR [DEVICE]      runs it; DEVICE is cuda (default), cuda:1, ..., or cpu to try the script itself
#
# LIBTORCH_DIR holds libtorch.so: python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))'
# Where there is no GPU it says so, claims nothing and ends with 0.
set -euo pipefail
cd "$(dirname "$0")/.."
app=artifacts/gpu

publish() {
    # No libtorch of its own: the loader takes that of LD_LIBRARY_PATH. In folders of its own: builds for other backends stay as they are.
    for project in FlowCore.Tests FlowBenchmarks; do
        dotnet publish "tests/$project" -c Release -r linux-x64 --self-contained -p:TorchBackend=installed \
            --artifacts-path artifacts/gpu-build -o "$app/$project" -v quiet
    done
}

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
if [ "$1" = publish ]; then
    publish
    exit
fi
libtorch=$1 device=${2:-cuda}

if [ "$device" != cpu ] && ! nvidia-smi -L 2>/dev/null | grep -q '^GPU '; then
    echo "No GPU here (nvidia-smi lists none): nothing was run, nothing is claimed."
    exit 0
fi
if [ ! -e "$libtorch/libtorch.so" ]; then
    echo "$libtorch/libtorch.so: not found; give the folder of an installed PyTorch's libraries (site-packages/torch/lib)" >&2
    exit 1
fi
if [ "$device" != cpu ] && [ ! -e "$libtorch/libtorch_cuda.so" ]; then
    echo "$libtorch: holds a libtorch for the CPU; a GPU needs a PyTorch that was built with CUDA" >&2
    exit 1
fi
if command -v dotnet >/dev/null; then
    publish
elif [ ! -x "$app/FlowBenchmarks/FlowBenchmarks" ]; then
    echo "$app: not found, and no .NET SDK to build it; run 'tests/gpu.sh publish' where there is one, and copy the folder here" >&2
    exit 1
fi

# The loader takes libtorch.so, libtorch_cpu.so and libc10.so from here for TorchSharp's library, and libtorch.so brings libtorch_cuda.so.
export LD_LIBRARY_PATH="$libtorch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# Whatever of TorchSharp's library this libtorch does not have would end the process at its first use: better said here.
missing=$(ldd -r "$app/FlowBenchmarks/libLibTorchSharp.so" 2>&1 | grep -v 'weak version' | grep -E 'undefined symbol|not found' || true)
if [ -n "$missing" ]; then
    [[ $missing =~ undefined\ symbol:\ ([^[:space:],]+) ]] && symbol=${BASH_REMATCH[1]} || symbol=${missing%%$'\n'*}
    version=$(sed -n "s/^__version__ *= *['\"]\(.*\)['\"].*/\1/p" "$libtorch/../version.py" 2>/dev/null || true)
    echo "TorchSharp's library does not fit this libtorch${version:+ (PyTorch $version)}: $(wc -l <<< "$missing") names are missing, the first is" >&2
    c++filt "$symbol" >&2 2>/dev/null || echo "$symbol" >&2
    echo "It was built for libtorch 2.10: install a PyTorch of that version." >&2
    exit 1
fi

if [ "$device" = cpu ]; then echo "Device: cpu"; else echo "Device: $device, $(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -1)"; fi
export FLOW_TEST_DEVICE=$device
"$app/FlowCore.Tests/FlowCore.Tests" -class FlowCore.Tests.Laws.BijectionLaws -class FlowCore.Tests.Golden.GoldenTests -class FlowCore.Tests.Engines.PinnedRowsTests
"$app/FlowBenchmarks/FlowBenchmarks" golden "$device"
"$app/FlowBenchmarks/FlowBenchmarks" device "$device"
