using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tests.Laws;

/// <summary>A spline exactly at its knots, where one bin ends and the next begins.</summary>
public sealed class SplineKnotTests
{
    private const int Bins = 4;
    private const double Bound = 2;

    [Fact]
    public void Values_and_slopes_are_continuous_at_every_knot_and_at_the_bounds()
    {
        using var scope = NewDisposeScope();
        using Flow flow = Random(seed: 3);
        foreach (double knot in (double[])[-Bound, Bound, .. Knots(flow)])
        {
            Mapped below = At(flow, Math.BitDecrement(knot)), exactly = At(flow, knot), above = At(flow, Math.BitIncrement(knot));
            Assert.Equal(below.Values.ToDouble(), exactly.Values.ToDouble(), 9);
            Assert.Equal(above.Values.ToDouble(), exactly.Values.ToDouble(), 9);
            Assert.Equal(below.LogDet.ToDouble(), exactly.LogDet.ToDouble(), 6);
            Assert.Equal(above.LogDet.ToDouble(), exactly.LogDet.ToDouble(), 6);
            Assert.Equal(knot, flow.Decode(exactly.Values).Values.ToDouble(), 9);
        }
    }

    [Fact]
    public void Beyond_the_bounds_it_is_the_identity()
    {
        using var scope = NewDisposeScope();
        using Flow flow = Random(seed: 3);
        foreach (double x in (double[])[-1e20, -2.5, 2.5, 1e20])
            Assert.Equal((x, 0.0), (At(flow, x).Values.ToDouble(), At(flow, x).LogDet.ToDouble()));
    }

    private static Flow Random(ulong seed)
    {
        Flow flow = FlowBuilder.Build(new FlowSpec
        {
            Name = "spline",
            EventShape = [1],
            Bijections = [new ElementwiseSpec { Element = new SplineElementSpec { Bins = Bins, Bound = Bound } }],
        });
        flow.to(float64);
        RandomWeights.Fill(flow, seed, scale: 1);
        return flow;
    }

    // The inner knots, from the raw widths: shares of the interval by softmax, none below a thousandth.
    private static double[] Knots(Flow flow)
    {
        double[] raw = [.. flow.parameters().Single().flatten().data<double>().ToArray().Take(Bins).Select(Math.Exp)];
        double knot = -Bound;
        return [.. raw.Take(Bins - 1).Select(width => knot += 2 * Bound * (1e-3 + (1 - 1e-3 * Bins) * width / raw.Sum()))];
    }

    private static Mapped At(Flow flow, double x) => flow.Encode(tensor(new[] { x }).unsqueeze(0));
}
