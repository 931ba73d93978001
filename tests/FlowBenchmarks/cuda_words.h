// What clang needs of CUDA's words, where there is no CUDA: to see that the kernels' text compiles for a device, and what registers it needs.
//
//   dotnet run -c Release --project tests/FlowBenchmarks -- gpu text DIR
//   clang-19 -x cuda --cuda-device-only --cuda-gpu-arch=sm_90 -nogpuinc -nogpulib -include tests/FlowBenchmarks/cuda_words.h -O1 -std=c++17
//       -ffp-contract=off -Wno-unknown-cuda-version -S DIR/0.cu -o 0.ptx
//   python3 tests/FlowBenchmarks/ptx_registers.py 0.ptx
#define __CUDACC__ 1
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __align__(n) __attribute__((aligned(n)))
struct Tid { unsigned x; __device__ __forceinline__ Tid() : x(__nvvm_read_ptx_sreg_tid_x()) {} };
struct Cid { unsigned x; __device__ __forceinline__ Cid() : x(__nvvm_read_ptx_sreg_ctaid_x()) {} };
struct Nid { unsigned x; __device__ __forceinline__ Nid() : x(__nvvm_read_ptx_sreg_nctaid_x()) {} };
#define threadIdx Tid()
#define blockIdx Cid()
#define gridDim Nid()
__device__ __forceinline__ float __fmaf_rn(float a, float b, float c) { return __nvvm_fma_rn_f(a, b, c); }
__device__ __forceinline__ double __fma_rn(double a, double b, double c) { return __nvvm_fma_rn_d(a, b, c); }
__device__ __forceinline__ int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
__device__ __forceinline__ long long __double_as_longlong(double x) { return __builtin_bit_cast(long long, x); }
__device__ __forceinline__ float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
__device__ __forceinline__ double __longlong_as_double(long long x) { return __builtin_bit_cast(double, x); }
__device__ __forceinline__ float fabsf(float x) { return __nvvm_fabs_f(x); }
__device__ __forceinline__ double fabs(double x) { return __nvvm_fabs_d(x); }
__device__ __forceinline__ float sqrtf(float x) { return __nvvm_sqrt_rn_f(x); }
__device__ __forceinline__ double sqrt(double x) { return __nvvm_sqrt_rn_d(x); }
__device__ __forceinline__ float floorf(float x) { return __nvvm_floor_f(x); }
__device__ __forceinline__ double floor(double x) { return __nvvm_floor_d(x); }
extern "C" __device__ float fmodf(float, float);
extern "C" __device__ double fmod(double, double);
