using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>A square of sixteen by sixteen floats, lines to columns, in registers: four rounds of pairing.</summary>
internal static unsafe class Transposition
{
    public const int Side = 16;

    public static bool IsFast => Avx512F.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Of(float* from, int fromLine, float* to, int toLine)
    {
        Vector512<float>* a = stackalloc Vector512<float>[Side];
        Vector512<float>* b = stackalloc Vector512<float>[Side];
        for (int i = 0; i < Side; i += 2)
        {
            Vector512<float> even = Vector512.Load(from + i * fromLine), odd = Vector512.Load(from + (i + 1) * fromLine);
            a[i] = Avx512F.UnpackLow(even, odd);
            a[i + 1] = Avx512F.UnpackHigh(even, odd);
        }
        for (int i = 0; i < Side; i += 4)
        {
            b[i] = Avx512F.UnpackLow(a[i].AsDouble(), a[i + 2].AsDouble()).AsSingle();
            b[i + 1] = Avx512F.UnpackHigh(a[i].AsDouble(), a[i + 2].AsDouble()).AsSingle();
            b[i + 2] = Avx512F.UnpackLow(a[i + 1].AsDouble(), a[i + 3].AsDouble()).AsSingle();
            b[i + 3] = Avx512F.UnpackHigh(a[i + 1].AsDouble(), a[i + 3].AsDouble()).AsSingle();
        }
        // b[4 g + c] holds, in its 128-bit part q, column 4 q + c of lines 4 g to 4 g + 3.
        for (int c = 0; c < 4; c++)
        {
            Vector512<float> low01 = Avx512F.Shuffle4x128(b[c], b[4 + c], 0x88), high01 = Avx512F.Shuffle4x128(b[c], b[4 + c], 0xDD);
            Vector512<float> low23 = Avx512F.Shuffle4x128(b[8 + c], b[12 + c], 0x88), high23 = Avx512F.Shuffle4x128(b[8 + c], b[12 + c], 0xDD);
            Avx512F.Shuffle4x128(low01, low23, 0x88).Store(to + c * toLine);
            Avx512F.Shuffle4x128(high01, high23, 0x88).Store(to + (4 + c) * toLine);
            Avx512F.Shuffle4x128(low01, low23, 0xDD).Store(to + (8 + c) * toLine);
            Avx512F.Shuffle4x128(high01, high23, 0xDD).Store(to + (12 + c) * toLine);
        }
    }
}
