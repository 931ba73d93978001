using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>Eight doubles as a value of formulas, as <see cref="SingleLanes"/>.</summary>
internal readonly unsafe struct DoubleLanes(Vector512<double> value) : ILaneValue<DoubleLanes>
{
    private readonly Vector512<double> value = value;

    public static bool IsSingle => false;

    public static DoubleLanes Everywhere => new(Vector512<double>.AllBitsSet);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator DoubleLanes(Vector512<double> value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator Vector512<double>(DoubleLanes lanes) => lanes.value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes Of(double value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes Load(void* from) => new(Vector512.Load((double*)from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(DoubleLanes value, void* to) => value.value.Store((double*)to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator -(DoubleLanes a) => new(-a.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator +(DoubleLanes a, DoubleLanes b) => new(a.value + b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator -(DoubleLanes a, DoubleLanes b) => new(a.value - b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator *(DoubleLanes a, DoubleLanes b) => new(a.value * b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator /(DoubleLanes a, DoubleLanes b) => new(a.value / b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator <(DoubleLanes a, DoubleLanes b) => new(Vector512.LessThan(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator <=(DoubleLanes a, DoubleLanes b) => new(Vector512.LessThanOrEqual(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator >(DoubleLanes a, DoubleLanes b) => new(Vector512.GreaterThan(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator >=(DoubleLanes a, DoubleLanes b) => new(Vector512.GreaterThanOrEqual(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes AreEqual(DoubleLanes a, DoubleLanes b) => new(Vector512.Equals(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator &(DoubleLanes a, DoubleLanes mask) => new(a.value & mask.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes operator ~(DoubleLanes mask) => new(~mask.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes Select(DoubleLanes mask, DoubleLanes a, DoubleLanes b) => new(Vector512.ConditionalSelect(mask.value, a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes MultiplyAdd(DoubleLanes a, DoubleLanes b, DoubleLanes c) => new(Vector512.FusedMultiplyAdd(a.value, b.value, c.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes Larger(DoubleLanes a, DoubleLanes b) => new(Vector512.MaxNative(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes Abs(DoubleLanes x) => new(Vector512.Abs(x.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes Sqrt(DoubleLanes x) => new(Vector512.Sqrt(x.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes Floor(DoubleLanes x) => new(Vector512.Floor(x.value));

    // No vector instruction gives it.
    public static DoubleLanes Remainder(DoubleLanes x, double turn)
    {
        Vector512<double> rest = x.value;
        for (int lane = 0; lane < Vector512<double>.Count; lane++)
            rest = rest.WithElement(lane, rest[lane] % turn);
        return new(rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes TimesPowerOfTwo(DoubleLanes p, DoubleLanes n)
    {
        Vector512<long> exponent = Vector512.ConvertToInt64Native(n.value), half = exponent >> 1, bias = Vector512.Create(1023L);
        return new(p.value * ((half + bias) << 52).AsDouble() * ((exponent - half + bias) << 52).AsDouble());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleLanes Mantissa(DoubleLanes x, out DoubleLanes exponent)
    {
        // A number below the normal ones is brought among them first.
        Vector512<double> tiny = Vector512.LessThan(x.value, Vector512.Create(2.2250738585072014e-308));
        Vector512<long> bits = Vector512.ConditionalSelect(tiny, x.value * Vector512.Create(4503599627370496.0), x.value).AsInt64();
        Vector512<long> power = (bits >> 52) - Vector512.ConditionalSelect(tiny.AsInt64(), Vector512.Create(1022L + 52), Vector512.Create(1022L));
        exponent = new(Vector512.ConvertToDouble(power));
        return new(((bits & Vector512.Create(0x000FFFFFFFFFFFFF)) | Vector512.Create(0x3FE0000000000000)).AsDouble());
    }
}
