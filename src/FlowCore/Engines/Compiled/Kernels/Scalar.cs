namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>One float64, for what is computed number by number: the same functions as those of vectors and of kernels for GPUs.</summary>
internal readonly struct Scalar(double value) : IValue<Scalar>
{
    private readonly double value = value;

    public double Value => value;

    public static bool IsSingle => false;

    public static Scalar Everywhere => new(BitConverter.Int64BitsToDouble(-1));

    private bool IsSet => BitConverter.DoubleToInt64Bits(value) != 0;

    public static double Exp(double x) => Elementary.Exp(new Scalar(x)).value;

    public static double Log(double x) => Elementary.Log(new Scalar(x)).value;

    public static double NormalDistribution(double x) => Elementary.NormalDistribution(new Scalar(x)).value;

    public static Scalar Of(double value) => new(value);

    public static Scalar operator -(Scalar a) => new(-a.value);

    public static Scalar operator +(Scalar a, Scalar b) => new(a.value + b.value);

    public static Scalar operator -(Scalar a, Scalar b) => new(a.value - b.value);

    public static Scalar operator *(Scalar a, Scalar b) => new(a.value * b.value);

    public static Scalar operator /(Scalar a, Scalar b) => new(a.value / b.value);

    public static Scalar operator <(Scalar a, Scalar b) => Mask(a.value < b.value);

    public static Scalar operator <=(Scalar a, Scalar b) => Mask(a.value <= b.value);

    public static Scalar operator >(Scalar a, Scalar b) => Mask(a.value > b.value);

    public static Scalar operator >=(Scalar a, Scalar b) => Mask(a.value >= b.value);

    public static Scalar AreEqual(Scalar a, Scalar b) => Mask(a.value == b.value);

    public static Scalar operator &(Scalar a, Scalar mask) => mask.IsSet ? a : new(0);

    public static Scalar operator ~(Scalar mask) => Mask(!mask.IsSet);

    public static Scalar Select(Scalar mask, Scalar a, Scalar b) => mask.IsSet ? a : b;

    public static Scalar MultiplyAdd(Scalar a, Scalar b, Scalar c) => new(Math.FusedMultiplyAdd(a.value, b.value, c.value));

    public static Scalar Larger(Scalar a, Scalar b) => a.value > b.value ? a : b;

    public static Scalar Abs(Scalar x) => new(Math.Abs(x.value));

    public static Scalar Sqrt(Scalar x) => new(Math.Sqrt(x.value));

    public static Scalar Floor(Scalar x) => new(Math.Floor(x.value));

    public static Scalar Remainder(Scalar x, double turn) => new(x.value % turn);

    public static Scalar TimesPowerOfTwo(Scalar p, Scalar n)
    {
        long power = (long)n.value, half = power >> 1;
        return new(p.value * BitConverter.Int64BitsToDouble((half + 1023) << 52) * BitConverter.Int64BitsToDouble((power - half + 1023) << 52));
    }

    public static Scalar Mantissa(Scalar x, out Scalar exponent)
    {
        bool tiny = x.value < 2.2250738585072014e-308;
        long bits = BitConverter.DoubleToInt64Bits(tiny ? x.value * 4503599627370496.0 : x.value);
        exponent = new((bits >> 52) - (tiny ? 1022 + 52 : 1022));
        return new(BitConverter.Int64BitsToDouble((bits & 0x000FFFFFFFFFFFFF) | 0x3FE0000000000000));
    }

    private static Scalar Mask(bool isSet) => isSet ? Everywhere : new(0);
}
