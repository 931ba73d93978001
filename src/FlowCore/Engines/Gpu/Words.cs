using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Engines.Gpu;

/// <summary>
/// What the text of every kernel begins with: CUDA's words, or on a CPU what stands for them, so that g++ compiles the same text; a
/// tile of rows; and the few functions that the steps of both compiled engines are made of.
/// </summary>
internal static class Words
{
    /// <summary>The threads of a block.</summary>
    public const int Threads = 128;

    public static string Of(bool isSingle) => Header + $$"""

        // e^x, ln x and the normal distribution function: Elementary's own, written out.
        {{Function("exponential", true, x => Elementary.Exp(x))}}
        {{Function("exponential", false, x => Elementary.Exp(x))}}
        {{Function("logarithm", true, x => Elementary.Log(x))}}
        {{Function("logarithm", false, x => Elementary.Log(x))}}
        {{Function("normal_distribution", false, x => Elementary.NormalDistribution(x))}}
        typedef {{(isSingle ? "float" : "double")}} N;

        """;

    /// <summary>A function of one number as text.</summary>
    public static string Function(string name, bool isSingle, Func<Term, Term> formula)
    {
        string type = isSingle ? "float" : "double";
        var (body, results) = Term.Write(isSingle, () => [formula(Term.Named("x"))]);
        return $"WORD {type} {name}({type} x)\n{{\n{body}    return {results[0]};\n}}\n";
    }

    /// <summary>The normal quantile, for those who need it: the parts of <see cref="Densities.NormalQuantile"/>.</summary>
    public static string NormalQuantile { get; } = $$"""
        {{Function("quantile_near", false, Densities.NormalQuantile.Near)}}
        {{Function("quantile_root", false, Densities.NormalQuantile.Root)}}
        {{Function("quantile_middle", false, Densities.NormalQuantile.InTail)}}
        {{Function("quantile_far", false, Densities.NormalQuantile.FarOut)}}
        HOT double normal_quantile(double p)
        {
            double q = p - 0.5;
            if (size_of(q) <= {{Term.Literal(Densities.NormalQuantile.Centre, isSingle: false)}})
                return quantile_near(q);
            double root = quantile_root(q < 0 ? p : 1 - p), x = root <= {{Term.Literal(Densities.NormalQuantile.Furthest, isSingle: false)}} ? quantile_middle(root) : quantile_far(root);
            return q < 0 ? -x : x;
        }
        """;

    private const string Header = """
        #ifdef __CUDACC__
        #define WORD __device__ __forceinline__
        #define MEMBER __device__ __forceinline__
        #define APART __device__ __noinline__
        #define HOT APART
        #define HOT_MEMBER __device__ __noinline__
        #define KERNEL(blocks) extern "C" __global__ void __launch_bounds__(THREADS, blocks)
        // A thread's share of a phase; a barrier behind it.
        #define PHASE for (int thread = threadIdx.x, once = 1; once; once = 0, __syncthreads())
        #define BLOCK ((long long)blockIdx.x)
        #define BLOCKS ((long long)gridDim.x)
        #define SHARED extern __shared__ __align__(16) unsigned char shared_memory[]
        #define ONE_BLOCK(name)
        #define PRAGMA(words) _Pragma(#words)
        #define UNROLLED(times) PRAGMA(unroll times)
        WORD float multiply_add(float a, float b, float c) { return __fmaf_rn(a, b, c); }
        WORD double multiply_add(double a, double b, double c) { return __fma_rn(a, b, c); }
        WORD int bits_of(float x) { return __float_as_int(x); }
        WORD long long bits_of(double x) { return __double_as_longlong(x); }
        WORD float number_of(int bits) { return __int_as_float(bits); }
        WORD double number_of(long long bits) { return __longlong_as_double(bits); }
        #else
        // The same text on a CPU: a phase is a loop over the threads of a block.
        #include <cmath>
        #include <cstring>
        #define WORD static inline
        #define MEMBER inline __attribute__((always_inline))
        #define APART static __attribute__((noinline))
        // Where everything else is compiled quickly, and badly.
        #define HOT static __attribute__((noinline, optimize("O2")))
        #define HOT_MEMBER __attribute__((noinline, optimize("O2")))
        #define KERNEL(blocks) static void
        #define PHASE for (int thread = 0; thread < THREADS; thread++)
        #define UNROLLED(times)
        static thread_local long long block_index, block_count;
        static thread_local unsigned char *shared_memory;
        #define BLOCK block_index
        #define BLOCKS block_count
        #define SHARED
        #define ONE_BLOCK(name) \
            extern "C" void name##_block(long long block, long long blocks, void *memory, void **arguments) \
            { \
                block_index = block, block_count = blocks, shared_memory = (unsigned char *)memory; \
                name(*(Arguments *)arguments[0]); \
            }
        static MEMBER float multiply_add(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
        static MEMBER double multiply_add(double a, double b, double c) { return __builtin_fma(a, b, c); }
        WORD int bits_of(float x) { int bits; memcpy(&bits, &x, 4); return bits; }
        WORD long long bits_of(double x) { long long bits; memcpy(&bits, &x, 8); return bits; }
        WORD float number_of(int bits) { float x; memcpy(&x, &bits, 4); return x; }
        WORD double number_of(long long bits) { double x; memcpy(&x, &bits, 8); return x; }
        #endif

        constexpr int THREADS = 128;

        WORD float size_of(float x) { return fabsf(x); }
        WORD double size_of(double x) { return fabs(x); }
        WORD float root(float x) { return sqrtf(x); }
        WORD double root(double x) { return sqrt(x); }
        WORD float whole(float x) { return floorf(x); }
        WORD double whole(double x) { return floor(x); }
        WORD float remainder_of(float x, float turn) { return fmodf(x, turn); }
        WORD double remainder_of(double x, double turn) { return fmod(x, turn); }

        // p 2^n in two factors; n is whole, or no number where p is none.
        WORD float times_power_of_two(float p, float n)
        {
            int power = n == n ? (int)n : 0, half = power >> 1;
            return p * number_of((half + 127) << 23) * number_of((power - half + 127) << 23);
        }
        WORD double times_power_of_two(double p, double n)
        {
            long long power = n == n ? (long long)n : 0, half = power >> 1;
            return p * number_of((half + 1023) << 52) * number_of((power - half + 1023) << 52);
        }
        // x = mantissa 2^exponent for positive x; a number below the normal ones is brought among them first.
        WORD bool is_tiny(float x) { return x < 1.17549435e-38f; }
        WORD bool is_tiny(double x) { return x < 2.2250738585072014e-308; }
        WORD float exponent(float x) { return (float)((bits_of(is_tiny(x) ? x * 8388608.0f : x) >> 23) - (is_tiny(x) ? 126 + 23 : 126)); }
        WORD double exponent(double x) { return (double)((bits_of(is_tiny(x) ? x * 4503599627370496.0 : x) >> 52) - (is_tiny(x) ? 1022 + 52 : 1022)); }
        WORD float mantissa(float x) { return number_of((bits_of(is_tiny(x) ? x * 8388608.0f : x) & 0x007fffff) | 0x3f000000); }
        WORD double mantissa(double x) { return number_of((bits_of(is_tiny(x) ? x * 4503599627370496.0 : x) & 0x000fffffffffffffLL) | 0x3fe0000000000000LL); }

        // A few neighbours, read at once.
        template<class N, int COUNT> struct alignas(COUNT * sizeof(N) < 16 ? COUNT * sizeof(N) : 16) Neighbours { N at[COUNT]; };

        // Rows on their way through a kernel. A place holds one value of all rows, which are neighbours.
        template<class NUMBER, int MOST_ROWS> struct Tile
        {
            typedef NUMBER N;
            static constexpr int MOST = MOST_ROWS, STRIDE = MOST_ROWS + 4, LANES = 64 / sizeof(NUMBER);
            N *memory;
            int lanes; // the first of the places that sums over a row are made in
            int rows, shift; // the rows in it, and the exponent of the power of two that holds them
            MEMBER N &at(int place, int row) const { return memory[place * STRIDE + row]; }
            MEMBER double &sum(int place, int row) const { return ((double *)(memory + place * STRIDE))[row]; }
            MEMBER N &lane(int i, int row) const { return at(lanes + i, row); }
            MEMBER double &wide(int i, int row) const { return ((double *)(memory + lanes * STRIDE))[i * MOST + row]; }
            MEMBER int mask() const { return (1 << shift) - 1; }
        };

        // Where values stand: on a line of places, or as a table says.
        struct Places
        {
            int first, step;
            const int *table;
            MEMBER int operator()(int k) const { return first + (table ? table[k] : step * k); }
        };

        // The parameters of a value: places in a tile, or below 0 places among the numbers.
        template<class TILE> struct Parameters
        {
            TILE tile;
            const typename TILE::N *numbers;
            int weights; // where an element's own begin among the numbers
            int first, per_parameter, per_value;
            const int *table;
            int k, row;
            MEMBER typename TILE::N operator()(int p) const
            {
                int at = table ? table[p * per_parameter + k] : first + per_parameter * p + per_value * k;
                return at < 0 ? numbers[~at] : tile.at(at, row);
            }
            MEMBER typename TILE::N weight(int i) const { return numbers[weights + i]; }
        };

        // Every value of every row once: thread by thread, neighbours being neighbouring rows.
        #define EACH(count) for (int i = thread; i < ((count) << tile.shift); i += THREADS)
        #define VALUE (i >> tile.shift)
        #define ROW (i & tile.mask())
        #define EACH_ROW for (int row = thread; row < tile.rows; row += THREADS)

        // The sum of what stands in the lanes from a place on, in float64: halves are added to each other, down to one.
        template<class TILE> WORD double lanes_together(TILE tile, int first, int row)
        {
            double wide[8];
            for (int i = 0; i < 8; i++)
                wide[i] = TILE::LANES == 16 ? (double)tile.lane(first + i, row) + (double)tile.lane(first + i + TILE::LANES - 8, row) : (double)tile.lane(first + i, row);
            for (int i = 0; i < 4; i++)
                wide[i] += wide[i + 4];
            return (wide[0] + wide[2]) + (wide[1] + wide[3]);
        }

        """;
}
