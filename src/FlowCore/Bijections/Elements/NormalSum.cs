using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// Normal distributions summed up at one place, component by component, written once for both compiled engines: their distribution
/// functions from below and from above, each exact in its tail, and their densities as most + ln sum.
/// </summary>
internal readonly record struct NormalSum<V>(V Below, V Above, V Most, V Sum)
    where V : unmanaged, IValue<V>
{
    /// <summary>Of no components.</summary>
    public static NormalSum<V> None => new(V.Of(0), V.Of(0), V.Of(double.NegativeInfinity), V.Of(0));

    /// <summary>ln of the sum of e^peak e^(-u^2 / 2).</summary>
    public V LogDensity => Most + Elementary.Log(Sum);

    /// <param name="u">The place, as the component has it: standardised.</param>
    /// <param name="weight">The component's share of the distribution functions.</param>
    /// <param name="peak">The logarithm of its density at u = 0.</param>
    public NormalSum<V> With(V u, V weight, V peak)
    {
        V each = peak - V.Of(0.5) * u * u, isMost = each > Most, share = Elementary.Exp(-V.Abs(each - Most));
        return new(
            Below + weight * Elementary.NormalDistribution(u), Above + weight * Elementary.NormalDistribution(-u),
            V.Select(isMost, each, Most), V.Select(isMost, Sum * share + V.Of(1), Sum + share));
    }
}

/// <summary>The same in the text of a kernel.</summary>
internal static class NormalSumText
{
    /// <summary>Adds it to a text, once.</summary>
    public static void Use(KernelText text)
    {
        var (body, results) = Term.Write(false, () =>
        {
            NormalSum<Term> next = new NormalSum<Term>(Term.Named("below"), Term.Named("above"), Term.Named("most"), Term.Named("sum"))
                .With(Term.Named("u"), Term.Named("weight"), Term.Named("peak"));
            return [next.Below, next.Above, next.Most, next.Sum];
        });
        text.Use($$"""
            struct NormalSum
            {
                double below, above, most, sum;
                MEMBER double log_density() const { return most + logarithm(sum); }
                HOT_MEMBER void add(double u, double weight, double peak)
                {
            {{body}}    below = {{results[0]}}, above = {{results[1]}}, most = {{results[2]}}, sum = {{results[3]}};
                }
            };
            """);
    }
}
