using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>Sixteen floats as a value of formulas. Not generic: each method is inlined many times into a kernel's loop, and the runtime's compiler
/// stops inlining, operators too, when it has read too much.</summary>
internal readonly unsafe struct SingleLanes(Vector512<float> value) : ILaneValue<SingleLanes>
{
    private readonly Vector512<float> value = value;

    public static bool IsSingle => true;

    public static SingleLanes Everywhere => new(Vector512<float>.AllBitsSet);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator SingleLanes(Vector512<float> value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator Vector512<float>(SingleLanes lanes) => lanes.value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes Of(double value) => new(Vector512.Create((float)value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes Load(void* from) => new(Vector512.Load((float*)from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(SingleLanes value, void* to) => value.value.Store((float*)to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator -(SingleLanes a) => new(-a.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator +(SingleLanes a, SingleLanes b) => new(a.value + b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator -(SingleLanes a, SingleLanes b) => new(a.value - b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator *(SingleLanes a, SingleLanes b) => new(a.value * b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator /(SingleLanes a, SingleLanes b) => new(a.value / b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator <(SingleLanes a, SingleLanes b) => new(Vector512.LessThan(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator <=(SingleLanes a, SingleLanes b) => new(Vector512.LessThanOrEqual(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator >(SingleLanes a, SingleLanes b) => new(Vector512.GreaterThan(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator >=(SingleLanes a, SingleLanes b) => new(Vector512.GreaterThanOrEqual(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes AreEqual(SingleLanes a, SingleLanes b) => new(Vector512.Equals(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator &(SingleLanes a, SingleLanes mask) => new(a.value & mask.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes operator ~(SingleLanes mask) => new(~mask.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes Select(SingleLanes mask, SingleLanes a, SingleLanes b) => new(Vector512.ConditionalSelect(mask.value, a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes MultiplyAdd(SingleLanes a, SingleLanes b, SingleLanes c) => new(Vector512.FusedMultiplyAdd(a.value, b.value, c.value));

    // maxps and maxpd, whose order of operands says which one it is where neither is larger.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes Larger(SingleLanes a, SingleLanes b) => new(Vector512.MaxNative(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes Abs(SingleLanes x) => new(Vector512.Abs(x.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes Sqrt(SingleLanes x) => new(Vector512.Sqrt(x.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes Floor(SingleLanes x) => new(Vector512.Floor(x.value));

    // No vector instruction gives it.
    public static SingleLanes Remainder(SingleLanes x, double turn)
    {
        Vector512<float> rest = x.value;
        for (int lane = 0; lane < Vector512<float>.Count; lane++)
            rest = rest.WithElement(lane, rest[lane] % (float)turn);
        return new(rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes TimesPowerOfTwo(SingleLanes p, SingleLanes n)
    {
        Vector512<int> exponent = Vector512.ConvertToInt32Native(n.value), half = exponent >> 1, bias = Vector512.Create(127);
        return new(p.value * ((half + bias) << 23).AsSingle() * ((exponent - half + bias) << 23).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SingleLanes Mantissa(SingleLanes x, out SingleLanes exponent)
    {
        // A number below the normal ones is brought among them first.
        Vector512<float> tiny = Vector512.LessThan(x.value, Vector512.Create(1.17549435e-38f));
        Vector512<int> bits = Vector512.ConditionalSelect(tiny, x.value * Vector512.Create(8388608f), x.value).AsInt32();
        Vector512<int> power = (bits >> 23) - Vector512.ConditionalSelect(tiny.AsInt32(), Vector512.Create(126 + 23), Vector512.Create(126));
        exponent = new(Vector512.ConvertToSingle(power));
        return new(((bits & Vector512.Create(0x007FFFFF)) | Vector512.Create(0x3F000000)).AsSingle());
    }
}
