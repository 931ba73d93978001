using System.Numerics;

namespace FlowCore.Training;

/// <summary>Sums of products in float64, several lanes at a time.</summary>
internal static class Sums
{
    /// <summary>The sum of a[i] b[i], over as many as a has.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sums = Vector<double>.Zero;
        int i = 0;
        for (; i <= a.Length - Vector<double>.Count; i += Vector<double>.Count)
            sums += new Vector<double>(a[i..]) * new Vector<double>(b[i..]);
        double sum = Vector.Sum(sums);
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    /// <summary>Adds values, each times the same factor, to as many others.</summary>
    public static void Add(ReadOnlySpan<double> values, double factor, Span<double> to)
    {
        int i = 0;
        for (; i <= values.Length - Vector<double>.Count; i += Vector<double>.Count)
            (new Vector<double>(to[i..]) + new Vector<double>(values[i..]) * factor).CopyTo(to[i..]);
        for (; i < values.Length; i++)
            to[i] += values[i] * factor;
    }
}
