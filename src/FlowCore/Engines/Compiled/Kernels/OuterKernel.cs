using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>What one call of the kernel reads and adds to: a few neighbouring columns of A against one panel of columns of B.</summary>
internal unsafe struct OuterBlock<T>
    where T : unmanaged
{
    /// <summary>The first column of A, and each row's offset from there.</summary>
    public T* A;
    public int* ARows;

    /// <summary>The first column of B, and each row's offset from there.</summary>
    public T* B;
    public int* BRows;
    public int Depth;

    /// <summary>One line of sums for each column of A, and the distance from a line to the next.</summary>
    public T* Sums;
    public nint Line;
}

/// <summary>
/// sums[i, j] += sum over rows of a[row, i] b[row, j]: the gradient of a linear map, for up to 12 of its outputs and one panel of two
/// (or one) vectors of its inputs. All sums stay in registers, and each is taken over the rows in their order by fused multiply-add.
/// </summary>
internal static unsafe class OuterKernel<T, V>
    where T : unmanaged
    where V : unmanaged, ILanes<V, T>
{
    /// <summary>A block of 12, 6, 4, 2 or 1 lines.</summary>
    public static void Dispatch(in OuterBlock<T> block, int vectors, int lines)
    {
        if (vectors == 1)
            Dispatch<N1>(block, lines);
        else
            Dispatch<N2>(block, lines);
    }

    private static void Dispatch<TVectors>(in OuterBlock<T> block, int lines)
        where TVectors : INumber
    {
        switch (lines)
        {
            case 12:
                Run<N12, TVectors>(block);
                break;
            case 6:
                Run<N6, TVectors>(block);
                break;
            case 4:
                Run<N4, TVectors>(block);
                break;
            case 2:
                Run<N2, TVectors>(block);
                break;
            default:
                Run<N1, TVectors>(block);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TRows, TVectors>(in OuterBlock<T> block)
        where TRows : INumber
        where TVectors : INumber
    {
        int n = V.Count;
        Debug.Assert(block.A is not null && block.B is not null && block.ARows is not null && block.BRows is not null && block.Sums is not null, "A block is whole.");
        Debug.Assert(block.Depth >= 0 && block.Line >= TVectors.Value * n, "A line holds the vectors that are added to it.");
        V zero = V.Of(default), left = zero, right = zero;
        V l0 = zero, l1 = zero, l2 = zero, l3 = zero, l4 = zero, l5 = zero, l6 = zero, l7 = zero, l8 = zero, l9 = zero, l10 = zero, l11 = zero;
        V r0 = zero, r1 = zero, r2 = zero, r3 = zero, r4 = zero, r5 = zero, r6 = zero, r7 = zero, r8 = zero, r9 = zero, r10 = zero, r11 = zero;
        int* aRows = block.ARows, bRows = block.BRows;
        nint depth = block.Depth;
        for (nint k = 0; k < depth; k++)
        {
            T* a = block.A + aRows[k], b = block.B + bRows[k];
            left = V.Load(b);
            if (TVectors.Value > 1)
                right = V.Load(b + n);
            Step<TVectors>(a, left, right, ref l0, ref r0);
            if (TRows.Value > 1)
                Step<TVectors>(a + 1, left, right, ref l1, ref r1);
            if (TRows.Value > 2)
            {
                Step<TVectors>(a + 2, left, right, ref l2, ref r2);
                Step<TVectors>(a + 3, left, right, ref l3, ref r3);
            }
            if (TRows.Value > 4)
            {
                Step<TVectors>(a + 4, left, right, ref l4, ref r4);
                Step<TVectors>(a + 5, left, right, ref l5, ref r5);
            }
            if (TRows.Value > 6)
            {
                Step<TVectors>(a + 6, left, right, ref l6, ref r6);
                Step<TVectors>(a + 7, left, right, ref l7, ref r7);
                Step<TVectors>(a + 8, left, right, ref l8, ref r8);
                Step<TVectors>(a + 9, left, right, ref l9, ref r9);
                Step<TVectors>(a + 10, left, right, ref l10, ref r10);
                Step<TVectors>(a + 11, left, right, ref l11, ref r11);
            }
        }

        T* c = block.Sums;
        nint line = block.Line;
        Add<TVectors>(c, l0, r0);
        if (TRows.Value > 1)
            Add<TVectors>(c + line, l1, r1);
        if (TRows.Value > 2)
        {
            Add<TVectors>(c + 2 * line, l2, r2);
            Add<TVectors>(c + 3 * line, l3, r3);
        }
        if (TRows.Value > 4)
        {
            Add<TVectors>(c + 4 * line, l4, r4);
            Add<TVectors>(c + 5 * line, l5, r5);
        }
        if (TRows.Value > 6)
        {
            Add<TVectors>(c + 6 * line, l6, r6);
            Add<TVectors>(c + 7 * line, l7, r7);
            Add<TVectors>(c + 8 * line, l8, r8);
            Add<TVectors>(c + 9 * line, l9, r9);
            Add<TVectors>(c + 10 * line, l10, r10);
            Add<TVectors>(c + 11 * line, l11, r11);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TVectors>(T* a, V left, V right, ref V l, ref V r)
        where TVectors : INumber
    {
        V factor = V.Of(*a);
        l = V.MultiplyAdd(factor, left, l);
        if (TVectors.Value > 1)
            r = V.MultiplyAdd(factor, right, r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TVectors>(T* sums, V l, V r)
        where TVectors : INumber
    {
        V.Store(V.Add(V.Load(sums), l), sums);
        if (TVectors.Value > 1)
            V.Store(V.Add(V.Load(sums + V.Count), r), sums + V.Count);
    }
}
