using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>512 bits: AVX-512, 32 registers; the runtime makes them of narrower vectors where a processor has those.</summary>
internal readonly unsafe struct Lanes512<T>(Vector512<T> value) : ILanes<Lanes512<T>, T>, IValue<Lanes512<T>>
    where T : unmanaged
{
    private readonly Vector512<T> value = value;

    public static int Count => Vector512<T>.Count;

    public static bool IsSingle => typeof(T) == typeof(float);

    public static Lanes512<T> Everywhere => new(Vector512<T>.AllBitsSet);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator Lanes512<T>(Vector512<T> value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator Vector512<T>(Lanes512<T> lanes) => lanes.value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Of(T value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Of(double value) => IsSingle
        ? new(Vector512.Create((float)value).As<float, T>())
        : new(Vector512.Create(value).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Load(T* from) => new(Vector512.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes512<T> value, T* to) => value.value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Add(Lanes512<T> a, Lanes512<T> b) => new(a.value + b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Multiply(Lanes512<T> a, Lanes512<T> b) => new(a.value * b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator -(Lanes512<T> a) => new(-a.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator +(Lanes512<T> a, Lanes512<T> b) => new(a.value + b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator -(Lanes512<T> a, Lanes512<T> b) => new(a.value - b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator *(Lanes512<T> a, Lanes512<T> b) => new(a.value * b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator /(Lanes512<T> a, Lanes512<T> b) => new(a.value / b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator <(Lanes512<T> a, Lanes512<T> b) => new(Vector512.LessThan(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator <=(Lanes512<T> a, Lanes512<T> b) => new(Vector512.LessThanOrEqual(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator >(Lanes512<T> a, Lanes512<T> b) => new(Vector512.GreaterThan(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator >=(Lanes512<T> a, Lanes512<T> b) => new(Vector512.GreaterThanOrEqual(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> AreEqual(Lanes512<T> a, Lanes512<T> b) => new(Vector512.Equals(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator &(Lanes512<T> a, Lanes512<T> mask) => new(a.value & mask.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator ~(Lanes512<T> mask) => new(~mask.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Select(Lanes512<T> mask, Lanes512<T> a, Lanes512<T> b) => new(Vector512.ConditionalSelect(mask.value, a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> MultiplyAdd(Lanes512<T> a, Lanes512<T> b, Lanes512<T> c) => IsSingle
        ? new(Vector512.FusedMultiplyAdd(a.value.AsSingle(), b.value.AsSingle(), c.value.AsSingle()).As<float, T>())
        : new(Vector512.FusedMultiplyAdd(a.value.AsDouble(), b.value.AsDouble(), c.value.AsDouble()).As<double, T>());

    // maxps and maxpd, whose order of operands says which one it is where neither is larger.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Larger(Lanes512<T> a, Lanes512<T> b) => new(Vector512.MaxNative(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Abs(Lanes512<T> x) => new(Vector512.Abs(x.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Sqrt(Lanes512<T> x) => new(Vector512.Sqrt(x.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Floor(Lanes512<T> x) => IsSingle
        ? new(Vector512.Floor(x.value.AsSingle()).As<float, T>())
        : new(Vector512.Floor(x.value.AsDouble()).As<double, T>());

    // No vector instruction gives it.
    public static Lanes512<T> Remainder(Lanes512<T> x, double turn)
    {
        Vector512<T> rest = x.value;
        for (int lane = 0; lane < Count; lane++)
            rest = IsSingle
                ? rest.AsSingle().WithElement(lane, rest.AsSingle()[lane] % (float)turn).As<float, T>()
                : rest.AsDouble().WithElement(lane, rest.AsDouble()[lane] % turn).As<double, T>();
        return new(rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> TimesPowerOfTwo(Lanes512<T> p, Lanes512<T> n)
    {
        if (IsSingle)
        {
            Vector512<int> exponent = Vector512.ConvertToInt32(n.value.AsSingle()), half = exponent >> 1, bias = Vector512.Create(127);
            return new((p.value.AsSingle() * ((half + bias) << 23).AsSingle() * ((exponent - half + bias) << 23).AsSingle()).As<float, T>());
        }
        Vector512<long> power = Vector512.ConvertToInt64(n.value.AsDouble()), part = power >> 1, middle = Vector512.Create(1023L);
        return new((p.value.AsDouble() * ((part + middle) << 52).AsDouble() * ((power - part + middle) << 52).AsDouble()).As<double, T>());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Mantissa(Lanes512<T> x, out Lanes512<T> exponent)
    {
        // A number below the normal ones is brought among them first.
        if (IsSingle)
        {
            Vector512<float> value = x.value.AsSingle(), tiny = Vector512.LessThan(value, Vector512.Create(1.17549435e-38f));
            Vector512<int> bits = Vector512.ConditionalSelect(tiny, value * Vector512.Create(8388608f), value).AsInt32();
            Vector512<int> power = (bits >> 23) - Vector512.ConditionalSelect(tiny.AsInt32(), Vector512.Create(126 + 23), Vector512.Create(126));
            exponent = new(Vector512.ConvertToSingle(power).As<float, T>());
            return new(((bits & Vector512.Create(0x007FFFFF)) | Vector512.Create(0x3F000000)).As<int, T>());
        }
        Vector512<double> wide = x.value.AsDouble(), least = Vector512.LessThan(wide, Vector512.Create(2.2250738585072014e-308));
        Vector512<long> longBits = Vector512.ConditionalSelect(least, wide * Vector512.Create(4503599627370496.0), wide).AsInt64();
        Vector512<long> longPower = (longBits >> 52) - Vector512.ConditionalSelect(least.AsInt64(), Vector512.Create(1022L + 52), Vector512.Create(1022L));
        exponent = new(Vector512.ConvertToDouble(longPower).As<double, T>());
        return new(((longBits & Vector512.Create(0x000FFFFFFFFFFFFF)) | Vector512.Create(0x3FE0000000000000)).As<long, T>());
    }
}
