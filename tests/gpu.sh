#!/usr/bin/env bash
# What a GPU is to show: the gpu engine's rates and bits, the service on it, and TorchSharp beside. One file to carry, no .NET, no network:
#
#   tests/gpu.sh publish                    packs artifacts/gpu.tar.xz: all programs, self-contained, and a file of the CPU engine's results
#   tests/gpu.sh dry                        runs the gpu engine's parts here, small, on the tests' stand-in for NVIDIA's libraries (g++):
#                                           each starts, and says what it lacks
#   tests/gpu.sh LIBTORCH_DIR [DEVICE [PART...]]
#                                           runs it; needs this repository, artifacts/gpu.tar.xz and, of NVIDIA's, the driver and NVRTC;
#                                           DEVICE is cuda (default), cuda:1, ..., or cpu to try TorchSharp's parts;
#                                           PARTs are facts rates torch bits served sanitize of the gpu engine, together ten minutes at the most,
#                                           and with a libtorch kernels laws golden speed train service instances full http
#
# LIBTORCH_DIR holds libtorch.so: python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))'; or - for none:
# the gpu engine's parts need none. Each part has its time, and runs whatever became of the others; what it says goes to artifacts/gpu-results
# line by line. The exit status is 1 where one failed. Where there is no GPU it says so, claims nothing and ends with 0.
set -euo pipefail
cd "$(dirname "$0")/.."
app=artifacts/gpu results=artifacts/gpu-results

# The seconds that a part may take; those of TorchSharp take what they need.
declare -A limit=([facts]=20 [rates]=150 [torch]=120 [bits]=130 [served]=90 [sanitize]=80)
engine_parts="facts rates torch bits served sanitize" torch_parts="kernels laws golden speed train service instances full http"

publish() {
    # No libtorch of its own: the loader takes that of LD_LIBRARY_PATH. In folders of its own: builds for other backends stay as they are.
    for project in tests/FlowCore.Tests tests/FlowService.Tests tests/FlowBenchmarks src/FlowCli; do
        dotnet publish "$project" -c Release -r linux-x64 --self-contained -p:TorchBackend=installed -p:SatelliteResourceLanguages=en \
            --artifacts-path artifacts/gpu-build -o "$app" -v quiet
    done
    # What the CPU's engine makes of every model, for the bits to be compared with, and the table's models: made here, where there is a libtorch.
    dotnet run -c Release --project tests/FlowBenchmarks -- gpu write "$PWD/$app" > /dev/null
    # Small enough to be carried about: the models are in the repository, and coverage, browsers and disassembly are not asked for there.
    rm -rf "$app"/{golden,models,refs,Microsoft.CodeCoverage,selenium-manager,amd64} "$app"/{libcapstone,libmscordbi,libmscordaccore,libcoreclrtraceptprovider}.so \
        "$app"/{Iced,Microsoft.CodeAnalysis*,Microsoft.Diagnostics.Tracing.TraceEvent,TraceReloggerLib}.dll "$app"/*.pdb
    tar c -C artifacts gpu | xz -T0 -9e > artifacts/gpu.tar.xz
    ls -l artifacts/gpu.tar.xz
}

if [ $# -lt 1 ]; then
    sed -n '2,18s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
if [ "$1" = publish ]; then
    publish
    exit
fi
dry=
if [ "$1" = dry ]; then
    dry=1
    set -- - cuda
fi
libtorch=$1 device=${2:-cuda}
shift $(($# > 1 ? 2 : 1))

if [ "$device" != cpu ] && [ -z "$dry" ] && ! nvidia-smi -L 2>/dev/null | grep -q '^GPU '; then
    echo "No GPU here (nvidia-smi lists none): nothing was run, nothing is claimed."
    exit 0
fi
if [ "$libtorch" != - ] && [ ! -e "$libtorch/libtorch.so" ]; then
    echo "$libtorch/libtorch.so: not found; give the folder of an installed PyTorch's libraries (site-packages/torch/lib), or - for none" >&2
    exit 1
fi
if [ "$libtorch" != - ] && [ "$device" != cpu ] && [ ! -e "$libtorch/libtorch_cuda.so" ]; then
    echo "$libtorch: holds a libtorch for the CPU; a GPU needs a PyTorch that was built with CUDA" >&2
    exit 1
fi
if [ -e artifacts/gpu.tar.xz ]; then
    tar xJf artifacts/gpu.tar.xz -C artifacts
elif command -v dotnet >/dev/null; then
    publish
else
    echo "artifacts/gpu.tar.xz: not found, and no .NET SDK to build it; run 'tests/gpu.sh publish' where there is one, and copy the file here" >&2
    exit 1
fi
mkdir -p "$results"
cp -r tests/golden models "$app"

# NVRTC: of an installed PyTorch, or CUDA's own; in a dry run, the stand-in.
if [ -n "$dry" ]; then
    mkdir -p artifacts/gpu-dry
    g++ -O1 -std=c++17 -shared -fPIC -DFLAGS='"-mfma"' tests/FlowCore.Tests/Gpu/stand_in.cpp -o artifacts/gpu-dry/libcuda.so.1 -ldl
    cp artifacts/gpu-dry/libcuda.so.1 artifacts/gpu-dry/libnvrtc.so
    # The stand-in is a thousand times slower than a GPU: small models.
    mkdir -p artifacts/gpu-dry/models && cp -r models/breast-cancer models/two-moons artifacts/gpu-dry/models
    export FLOW_NVRTC=$PWD/artifacts/gpu-dry LD_LIBRARY_PATH=$PWD/artifacts/gpu-dry
else
    packages=$(python3 -c 'import os, torch; print(os.path.dirname(os.path.dirname(torch.__file__)))' 2>/dev/null || echo "$libtorch/../..")
    for folder in "$packages"/nvidia/cu13/lib "$packages"/nvidia/cuda_nvrtc/lib /usr/local/cuda/lib64; do
        if ls "$folder"/libnvrtc.so* > /dev/null 2>&1; then export FLOW_NVRTC=$folder; break; fi
    done
fi
export FLOW_KERNELS=$PWD/artifacts/gpu-kernels FLOW_TEST_DEVICE=$device Torch__Device=$device

# Whatever of TorchSharp's library this libtorch does not have would end the process at its first use: better said here.
fits=
if [ "$libtorch" != - ]; then
    # The loader takes libtorch.so, libtorch_cpu.so and libc10.so from here for TorchSharp's library, and libtorch.so brings libtorch_cuda.so.
    export LD_LIBRARY_PATH="$libtorch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    missing=$(ldd -r "$app/libLibTorchSharp.so" 2>&1 | grep -v 'weak version' | grep -E 'undefined symbol|not found' || true)
    if [ -n "$missing" ]; then
        version=$(sed -n "s/^__version__ *= *['\"]\(.*\)['\"].*/\1/p" "$libtorch/../version.py" 2>/dev/null || true)
        echo "TorchSharp's library does not fit this libtorch${version:+ (PyTorch $version)}; what is missing:" >&2
        sed 's/.*undefined symbol: \([^[:space:],]*\).*/\1/' <<< "$missing" | { c++filt 2>/dev/null || cat; } >&2
        echo "It was built for libtorch 2.10: TorchSharp's parts are left out; install a PyTorch of that version for them." >&2
    else
        fits=1
    fi
fi

# What computes here, for the figures to be told apart.
facts() {
    date -u
    if [ "$device" = cpu ]; then echo "device: cpu"; else
        nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,memory.total --format=csv,noheader 2> /dev/null || echo "nvidia-smi is not there"
    fi
    echo "cores: $(nproc); NVRTC: ${FLOW_NVRTC:-none found, looked for where the loader looks}"
    python3 -c 'import torch; print("PyTorch", torch.__version__, "CUDA", torch.version.cuda)' 2> /dev/null || echo "python3 has no PyTorch: nothing will stand beside the engine"
    command -v compute-sanitizer || echo "compute-sanitizer is not installed: no part for it"
}

# The table of docs/gpu.md.
rates() {
    "$app/FlowBenchmarks" gpu count
    "$app/FlowBenchmarks" gpu speed "$device" ${dry:+64}
}

# The best that a user of PyTorch could write, beside it.
torch() {
    if python3 -c 'import torch' 2> /dev/null; then
        LD_LIBRARY_PATH='' python3 tests/FlowBenchmarks/pytorch_eager.py "$([ -n "$dry" ] && echo cpu || echo "$device")" ${dry:+64}
    else
        echo "python3 has no PyTorch: nothing was measured"
    fi
}

# The gpu engine's results beside the file that the CPU's engine wrote where this was packed.
bits() { "$app/FlowBenchmarks" gpu check "$app/cpu-bits.bin" "$device" ${dry:+3}; }

# Every kind, in float32 and float64, in batches of any size: the bits of the CPU's engine. Each flow is compiled by itself: minutes.
kernels() { FLOW_TEST_GPU=1 "$app/FlowCore.Tests" -noLogo -noColor -class FlowCore.Tests.Gpu.SameBitsTests; }

sanitize() {
    if ! command -v compute-sanitizer > /dev/null; then echo "compute-sanitizer is not installed: nothing was checked"; return; fi
    for tool in memcheck racecheck; do
        compute-sanitizer --tool "$tool" --error-exitcode 1 "$app/FlowBenchmarks" gpu once "$device" | tail -3
    done
}

# Ready with kernels to be compiled, and with kernels found; then 16 clients with 10,000 rows each.
served() {
    rm -rf "$FLOW_KERNELS"
    export Engine__Kind=gpu
    for state in "not cached" cached; do
        began=$(date +%s%N)
        serve
        echo "ready in $((($(date +%s%N) - began) / 1000000)) ms, kernels $state"
        [ "$state" = cached ] || end
    done
    "$app/flow" bench --url "$url" --device "$device" --engine gpu --seconds 3 --model breast-cancer --rows "$([ -n "$dry" ] && echo 100 || echo 10000)" --concurrency 16
    "$app/flow" bench --url "$url" --device "$device" --engine gpu --seconds 3 --model two-moons --rows 1 --concurrency 64
    end
}

laws() {
    "$app/FlowCore.Tests" -noLogo -noColor -class FlowCore.Tests.Laws.BijectionLaws -class FlowCore.Tests.Golden.GoldenTests \
        -class FlowCore.Tests.Engines.PinnedRowsTests
}

golden() { "$app/FlowBenchmarks" golden "$device"; }

speed() { "$app/FlowBenchmarks" device "$device"; }

train() { "$app/flow" train --input models/two-moons/two-moons.csv --flow realnvp --epochs 5 --device "$device" --out "$(mktemp -d)/1"; }

# Starts the service with those settings, and waits until it is ready.
serve() {
    local repository=$PWD/${dry:+artifacts/gpu-dry/}models
    if [ -n "$dry" ]; then set -- "$@" --Batching:GpuBatchRows 256; fi
    (cd "$app" && exec ./FlowService --urls "$url" --Grpc:Port 0 --Models:Repository "$repository" "$@" > ../gpu-service.log 2>&1) &
    pid=$!
    trap 'kill -KILL $pid 2> /dev/null || true' EXIT
    for _ in $(seq 600); do
        if curl -sf "$url/health/ready" > /dev/null || ! kill -0 $pid; then break; fi
        sleep 0.1
    done
}

end() {
    kill -TERM $pid
    wait $pid || { tail -20 artifacts/gpu-service.log; return 1; }
}

service() {
    serve
    for model in two-moons breast-cancer digits; do
        curl -s "$url/models/$model" | grep -oE '"(name|device|self_test)":("[^"]*"|\{[^}]*\})' | head -3 | paste -sd ' '
    done
    for load in "--model two-moons --rows 1 --concurrency 64" "--model breast-cancer --rows 1000 --concurrency 16" \
        "--model two-moons --operation sample --rows 1000 --concurrency 16"; do
        # shellcheck disable=SC2086 # words
        "$app/flow" bench --url "$url" --device "$device" --engine torch --seconds 3 $load
    done
    end
}

# Two engines of each model on the device.
instances() {
    serve --Models:Instances 2
    "$app/flow" bench --url "$url" --device "$device" --engine torch --seconds 3 --model breast-cancer --rows 1000 --concurrency 16
    end
}

# Another process takes nearly all of the GPU's memory: the service computes in what its warm-up has taken, or divides the batch, and goes on.
full() {
    serve --Models:Overrides:digits:BatchRows 65536 --Limits:SamplesPerRequest 65536
    ask() {
        curl -s -o /dev/null -w "$1: %{http_code}, %{time_total} s\n" "$url/sample" -H 'Content-Type: application/json' -H 'Accept: application/x-npy' \
            -d '{"model": "digits", "count": 65536, "seed": 1, "context": [3]}'
    }
    coproc hog { python3 -c 'import sys, torch; room = torch.empty(torch.cuda.mem_get_info()[0] - (400 << 20), dtype=torch.uint8, device="cuda"); print("taken", flush=True); sys.stdin.read()'; }
    read -r -u "${hog[0]}" _
    ask "65536 images in 400 MB"
    exec {hog[1]}>&-
    wait "$hog_PID"
    ask "65536 images"
    nvidia-smi --query-compute-apps=pid,used_memory --format=csv,noheader
    for model in two-moons breast-cancer digits; do curl -s -o /dev/null -w '%{http_code} ' -X POST "$url/models/$model/unload"; done
    nvidia-smi --query-compute-apps=pid,used_memory --format=csv,noheader
    end
    grep -iE 'memory|divid' artifacts/gpu-service.log | cut -c1-300 | head -5 || true
}

# Browsers, proxies and signals are the same on any device; what the compiled engine alone promises is that a row's bits never depend on its batch.
http() {
    "$app/FlowService.Tests" -noLogo -noColor -namespace- FlowService.Tests.Swagger -namespace- FlowService.Tests.Shutdown -trait- Engine=compiled
}

# shellcheck disable=SC2086 # words
[ $# -gt 0 ] || set -- $engine_parts ${fits:+$torch_parts}
failed=0
for part in "$@"; do
    printf '\n## %s\n\n' "$part"
    if [[ " $torch_parts " == *" $part "* ]]; then
        if [ -z "$fits" ]; then echo "$part: needs a libtorch that fits TorchSharp's library: left out"; continue; fi
        kind=torch
    else
        kind=gpu
    fi
    began=$SECONDS
    # In a shell of its own: there, -e also ends what "||" would let pass. The whole group of a part that takes too long is ended.
    timeout --kill-after=5 "${limit[$part]:-3600}" env Engine__Kind=$kind \
        bash -euo pipefail -c "$(declare -f); app=$app device=$device dry=$dry url=http://127.0.0.1:8090; $part" 2>&1 | tee "$results/$part.txt" || {
        status=${PIPESTATUS[0]}
        [ "$status" = 124 ] && echo "$part: CUT OFF after ${limit[$part]} s; what stands above holds" || echo "$part: FAILED with exit status $status"
        failed=1
    }
    echo "($((SECONDS - began)) s)"
done
exit $failed
