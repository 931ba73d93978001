using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>A number that is known when the kernel is compiled to machine code, so that what it excludes leaves no trace.</summary>
internal interface INumber
{
    static abstract int Value { get; }
}

internal readonly struct N1 : INumber
{
    public static int Value => 1;
}

internal readonly struct N2 : INumber
{
    public static int Value => 2;
}

internal readonly struct N4 : INumber
{
    public static int Value => 4;
}

internal readonly struct N6 : INumber
{
    public static int Value => 6;
}

internal readonly struct N12 : INumber
{
    public static int Value => 12;
}

/// <summary>What one call of the kernel reads and writes: a block of rows against one panel of columns.</summary>
internal unsafe struct Block<T>
    where T : unmanaged
{
    /// <summary>Where the input rows begin, and each row's offset from there.</summary>
    public T* Input;
    public int* InputRows;

    /// <summary>The offsets of the inputs in a row, or null where they are neighbours.</summary>
    public int* Index;
    public int Depth;

    /// <summary>The panel: for each input one line of columns, and the distance from a line to the next.</summary>
    public T* Weights;
    public nint Line;
    public T* Bias;

    public T* Output;
    public int* OutputRows;

    /// <summary>A result v becomes max(floor, max(slope v, v)): a rectifier has a floor of 0, a leaky one a slope below 1.</summary>
    public T Slope, Floor;
}

/// <summary>
/// out = in W + bias for up to 12 rows and one panel of two (or one) vectors of columns. All sums stay in registers, and each is
/// taken over the inputs in their one order by fused multiply-add: a row's result depends neither on the number of rows nor on
/// the width of the vectors.
/// </summary>
internal static unsafe class LinearKernel<T, V>
    where T : unmanaged
    where V : unmanaged, ILanes<V, T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows, TVectors, TIndexed, TAdds>(in Block<T> block)
        where TRows : INumber
        where TVectors : INumber
        where TIndexed : INumber
        where TAdds : INumber
    {
        int n = V.Count;
        Debug.Assert(block.Depth >= 0 && block.InputRows is not null && block.OutputRows is not null && block.Input is not null && block.Output is not null, "A block is whole.");
        Debug.Assert((nuint)block.Weights % (nuint)(n * sizeof(T)) == 0, "A panel is aligned to its vectors.");
        Debug.Assert(TIndexed.Value > 1 == block.Index is not null, "Inputs are listed, or neighbours.");
        Debug.Assert(block.Line >= TVectors.Value * n && block.Line % n == 0 && TAdds.Value > 1 == block.Bias is null, "Lines are whole vectors, and results start from biases or from what is there.");
        int* rows = block.InputRows;
        T* a = block.Input, a0 = a + rows[0], a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0, a8 = a0, a9 = a0, a10 = a0, a11 = a0;
        if (TRows.Value > 1)
            a1 = a + rows[1];
        if (TRows.Value > 2)
        {
            a2 = a + rows[2];
            a3 = a + rows[3];
        }
        if (TRows.Value > 4)
        {
            a4 = a + rows[4];
            a5 = a + rows[5];
        }
        if (TRows.Value > 6)
        {
            a6 = a + rows[6];
            a7 = a + rows[7];
            a8 = a + rows[8];
            a9 = a + rows[9];
            a10 = a + rows[10];
            a11 = a + rows[11];
        }

        V left = V.Of(default), right = left;
        V l0 = left, l1 = left, l2 = left, l3 = left, l4 = left, l5 = left, l6 = left, l7 = left, l8 = left, l9 = left, l10 = left, l11 = left;
        V r0 = right, r1 = right, r2 = right, r3 = right, r4 = right, r5 = right, r6 = right, r7 = right, r8 = right, r9 = right, r10 = right, r11 = right;

        T* w = block.Weights;
        int* index = block.Index;
        nint depth = block.Depth, line = block.Line;
        for (nint k = 0; k < depth; k++)
        {
            nint at = TIndexed.Value > 1 ? index[k] : k;
            left = V.Load(w);
            if (TVectors.Value > 1)
                right = V.Load(w + n);
            w += line;
            Step<TVectors>(a0 + at, left, right, ref l0, ref r0);
            if (TRows.Value > 1)
                Step<TVectors>(a1 + at, left, right, ref l1, ref r1);
            if (TRows.Value > 2)
            {
                Step<TVectors>(a2 + at, left, right, ref l2, ref r2);
                Step<TVectors>(a3 + at, left, right, ref l3, ref r3);
            }
            if (TRows.Value > 4)
            {
                Step<TVectors>(a4 + at, left, right, ref l4, ref r4);
                Step<TVectors>(a5 + at, left, right, ref l5, ref r5);
            }
            if (TRows.Value > 6)
            {
                Step<TVectors>(a6 + at, left, right, ref l6, ref r6);
                Step<TVectors>(a7 + at, left, right, ref l7, ref r7);
                Step<TVectors>(a8 + at, left, right, ref l8, ref r8);
                Step<TVectors>(a9 + at, left, right, ref l9, ref r9);
                Step<TVectors>(a10 + at, left, right, ref l10, ref r10);
                Step<TVectors>(a11 + at, left, right, ref l11, ref r11);
            }
        }

        if (TAdds.Value == 1)
        {
            left = V.Load(block.Bias);
            if (TVectors.Value > 1)
                right = V.Load(block.Bias + n);
        }
        rows = block.OutputRows;
        a = block.Output;
        V floor = V.Of(block.Floor), slope = V.Of(block.Slope);
        Put<TVectors, TAdds>(a + rows[0], floor, slope, l0, r0, left, right);
        if (TRows.Value > 1)
            Put<TVectors, TAdds>(a + rows[1], floor, slope, l1, r1, left, right);
        if (TRows.Value > 2)
        {
            Put<TVectors, TAdds>(a + rows[2], floor, slope, l2, r2, left, right);
            Put<TVectors, TAdds>(a + rows[3], floor, slope, l3, r3, left, right);
        }
        if (TRows.Value > 4)
        {
            Put<TVectors, TAdds>(a + rows[4], floor, slope, l4, r4, left, right);
            Put<TVectors, TAdds>(a + rows[5], floor, slope, l5, r5, left, right);
        }
        if (TRows.Value > 6)
        {
            Put<TVectors, TAdds>(a + rows[6], floor, slope, l6, r6, left, right);
            Put<TVectors, TAdds>(a + rows[7], floor, slope, l7, r7, left, right);
            Put<TVectors, TAdds>(a + rows[8], floor, slope, l8, r8, left, right);
            Put<TVectors, TAdds>(a + rows[9], floor, slope, l9, r9, left, right);
            Put<TVectors, TAdds>(a + rows[10], floor, slope, l10, r10, left, right);
            Put<TVectors, TAdds>(a + rows[11], floor, slope, l11, r11, left, right);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TVectors>(T* input, V left, V right, ref V l, ref V r)
        where TVectors : INumber
    {
        V a = V.Of(*input);
        l = V.MultiplyAdd(a, left, l);
        if (TVectors.Value > 1)
            r = V.MultiplyAdd(a, right, r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<TVectors, TAdds>(T* output, V floor, V slope, V l, V r, V left, V right)
        where TVectors : INumber
        where TAdds : INumber
    {
        if (TAdds.Value > 1)
        {
            V.Store(V.Add(V.Load(output), l), output);
            if (TVectors.Value > 1)
                V.Store(V.Add(V.Load(output + V.Count), r), output + V.Count);
            return;
        }
        l = V.Add(l, left);
        V.Store(V.Larger(floor, V.Larger(V.Multiply(l, slope), l)), output);
        if (TVectors.Value > 1)
        {
            r = V.Add(r, right);
            V.Store(V.Larger(floor, V.Larger(V.Multiply(r, slope), r)), output + V.Count);
        }
    }

    /// <summary>A block of 12, 6, 4, 2 or 1 rows.</summary>
    public static void Dispatch(in Block<T> block, int vectors, int rows, bool adds)
    {
        if (adds)
            Dispatch<N1, N2>(block, vectors, rows);
        else if (block.Index is null)
            Dispatch<N1, N1>(block, vectors, rows);
        else
            Dispatch<N2, N1>(block, vectors, rows);
    }

    private static void Dispatch<TIndexed, TAdds>(in Block<T> block, int vectors, int rows)
        where TIndexed : INumber
        where TAdds : INumber
    {
        if (vectors == 1)
            Dispatch<N1, TIndexed, TAdds>(block, rows);
        else
            Dispatch<N2, TIndexed, TAdds>(block, rows);
    }

    private static void Dispatch<TVectors, TIndexed, TAdds>(in Block<T> block, int rows)
        where TVectors : INumber
        where TIndexed : INumber
        where TAdds : INumber
    {
        switch (rows)
        {
            case 12:
                Run<N12, TVectors, TIndexed, TAdds>(block);
                break;
            case 6:
                Run<N6, TVectors, TIndexed, TAdds>(block);
                break;
            case 4:
                Run<N4, TVectors, TIndexed, TAdds>(block);
                break;
            case 2:
                Run<N2, TVectors, TIndexed, TAdds>(block);
                break;
            default:
                Run<N1, TVectors, TIndexed, TAdds>(block);
                break;
        }
    }

    /// <summary>How many of the rows that are left the next block takes.</summary>
    public static int Taken(int left, int most) => left >= most ? most : left >= 6 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}
