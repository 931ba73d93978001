using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>A function of one number, written once for both compiled engines.</summary>
internal interface IMap
{
    static abstract V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V>;

    /// <summary>Its derivative.</summary>
    static abstract Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

/// <summary>A function of two numbers.</summary>
internal interface IMap2
{
    static abstract V At<V>(V a, V b)
        where V : unmanaged, IValue<V>;

    /// <summary>Its two derivatives.</summary>
    static abstract (Vector512<T> ByA, Vector512<T> ByB) Derivatives<T>(Vector512<T> a, Vector512<T> b)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

/// <summary>f(v) of the values between two places of every row, into another region of the same layout.</summary>
internal sealed class MapOperation<TMap>(Region input, Region output, int first, int count, double parameter = 0) : Operation
    where TMap : IMap
{
    public override IEnumerable<Region> Regions => [input, output];

    public override Step<T> Lower<T>(Lowering<T> lowering) => new MapStep<T, TMap>(input, output, first, count, parameter);

    public override void Emit(KernelText text)
    {
        string map = text.Function("map", name => Words.Function(name, text.IsSingle, x => TMap.At(x, parameter)));
        text.Count(map, count);
        text.Line($"PHASE EACH({count}) tile.at({output.Offset + first} + VALUE, ROW) = {map}(tile.at({input.Offset + first} + VALUE, ROW));");
    }
}

internal sealed unsafe class MapStep<T, TMap>(Region input, Region output, int first, int count, double parameter) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TMap : IMap
{
    public override void Run(in Tile<T> tile)
    {
        Debug.Assert(first >= 0 && count >= 0 && first + count <= input.Width && first + count <= output.Width, "The values lie within both rows.");
        MapLoop<T, TMap>.Run(tile.At(input) + first, input.Width, tile.At(output) + first, output.Width, tile.Rows, count, parameter);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            T* from = tile.At(input) + row * input.Width + first;
            T* adjoint = tile.At(output.Adjoint) + row * output.Adjoint.Width + first, inner = tile.At(input.Adjoint) + row * input.Adjoint.Width + first;
            for (int i = 0; i < count; i += Vector512<T>.Count)
                VectorMath.MultiplyAdd(Vector512.Load(adjoint + i), TMap.Derivative(Vector512.Load(from + i), parameter), Vector512.Load(inner + i)).Store(inner + i);
        }
    }
}

/// <summary>f(v) of the first numbers of each row; in their place, too.</summary>
internal static unsafe class MapLoop<T, TMap>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TMap : IMap
{
    public static void Run(T* from, int fromWidth, T* to, int toWidth, int rows, int count, double parameter)
    {
        if (typeof(T) == typeof(float))
            Run<SingleLanes>(from, fromWidth, to, toWidth, rows, count, parameter);
        else
            Run<DoubleLanes>(from, fromWidth, to, toWidth, rows, count, parameter);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Run<V>(T* from, int fromWidth, T* to, int toWidth, int rows, int count, double parameter)
        where V : unmanaged, ILaneValue<V>
    {
        for (int row = 0; row < rows; row++, from += fromWidth, to += toWidth)
            for (int i = 0; i < count; i += Vector512<T>.Count)
                PartVector.Store(Unsafe.BitCast<V, Vector512<T>>(TMap.At(V.Load(from + i), parameter)), to + i, count - i);
    }
}

/// <summary>f(a, b) of the values between two places of every row; all three regions have the same layout.</summary>
internal sealed class Map2Operation<TMap>(Region a, Region b, Region output, int first, int count) : Operation
    where TMap : IMap2
{
    public override IEnumerable<Region> Regions => [a, b, output];

    public override Step<T> Lower<T>(Lowering<T> lowering) => new Map2Step<T, TMap>(a, b, output, first, count);

    public override void Emit(KernelText text)
    {
        string map = text.Function("map", name =>
        {
            var (body, results) = Term.Write(text.IsSingle, () => [TMap.At(Term.Named("a"), Term.Named("b"))]);
            return $"WORD N {name}(N a, N b)\n{{\n{body}    return {results[0]};\n}}\n";
        });
        text.Count(map, count);
        text.Line($"PHASE EACH({count}) tile.at({output.Offset + first} + VALUE, ROW) = {map}(tile.at({a.Offset + first} + VALUE, ROW), tile.at({b.Offset + first} + VALUE, ROW));");
    }
}

internal sealed unsafe class Map2Step<T, TMap>(Region a, Region b, Region output, int first, int count) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TMap : IMap2
{
    public override void Run(in Tile<T> tile)
    {
        Debug.Assert(first >= 0 && count >= 0 && first + count <= Math.Min(a.Width, Math.Min(b.Width, output.Width)), "The values lie within all three rows.");
        for (int row = 0; row < tile.Rows; row++)
        {
            T* one = tile.At(a) + row * a.Width + first, other = tile.At(b) + row * b.Width + first, to = tile.At(output) + row * output.Width + first;
            if (typeof(T) == typeof(float))
                Run<SingleLanes>(one, other, to);
            else
                Run<DoubleLanes>(one, other, to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run<V>(T* one, T* other, T* to)
        where V : unmanaged, ILaneValue<V>
    {
        for (int i = 0; i < count; i += Vector512<T>.Count)
            PartVector.Store(Unsafe.BitCast<V, Vector512<T>>(TMap.At(V.Load(one + i), V.Load(other + i))), to + i, count - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            T* one = tile.At(a) + row * a.Width + first, other = tile.At(b) + row * b.Width + first;
            T* ofOne = tile.At(a.Adjoint) + row * a.Adjoint.Width + first, ofOther = tile.At(b.Adjoint) + row * b.Adjoint.Width + first;
            T* adjoint = tile.At(output.Adjoint) + row * output.Adjoint.Width + first;
            for (int i = 0; i < count; i += Vector512<T>.Count)
            {
                Vector512<T> outer = Vector512.Load(adjoint + i);
                var (byA, byB) = TMap.Derivatives(Vector512.Load(one + i), Vector512.Load(other + i));
                VectorMath.MultiplyAdd(outer, byA, Vector512.Load(ofOne + i)).Store(ofOne + i);
                VectorMath.MultiplyAdd(outer, byB, Vector512.Load(ofOther + i)).Store(ofOther + i);
            }
        }
    }
}

/// <summary>a + b.</summary>
internal readonly struct Sum : IMap2
{
    public static V At<V>(V a, V b)
        where V : unmanaged, IValue<V> => a + b;

    public static (Vector512<T> ByA, Vector512<T> ByB) Derivatives<T>(Vector512<T> a, Vector512<T> b)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => (Vector512<T>.One, Vector512<T>.One);
}

/// <summary>a sigmoid(b): a gate.</summary>
internal readonly struct Gate : IMap2
{
    public static V At<V>(V a, V b)
        where V : unmanaged, IValue<V> => a * Elementary.Sigmoid(b);

    public static (Vector512<T> ByA, Vector512<T> ByB) Derivatives<T>(Vector512<T> a, Vector512<T> b)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> open = VectorMath.Sigmoid(b);
        return (open, a * open * VectorMath.Sigmoid(-b));
    }
}

/// <summary>-v.</summary>
internal readonly struct Negative : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> => -x;

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => -Vector512<T>.One;
}
