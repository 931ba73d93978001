using CsCheck;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tests.Laws;

/// <summary>What holds of every kind's compiled form, in float64: it is the same map as the TorchSharp form, whose laws are proved beside.</summary>
public sealed class CompiledLaws
{
    private const double Tolerance = 1e-9;

    public static IEnumerable<TheoryDataRow<Kind>> Compiled => Kinds.Rows.Where(row => IsCompiled(row.Data));

    [Fact]
    public void Only_planar_layers_and_what_normflows_does_to_angles_are_left_to_the_other_engine() =>
        Assert.Equal(
            ["coupling, periodic features", "planar", "planar, image", "wrap", "wrap, shifted"],
            Kinds.Rows.Where(row => !IsCompiled(row.Data)).Select(row => row.Data.Name));

    [Theory, MemberData(nameof(Compiled))]
    public void The_compiled_form_is_the_same_map(Kind kind) => Holds(kind, (instance, torch, compiled) =>
    {
        using var scope = NewDisposeScope();
        double[] x = Values(instance.Data()), context = instance.Condition() is { } condition ? Values(condition) : [];
        // A numerical element may saturate: beyond its range a latent has no row.
        double[] latents = kind.Numerical ? Forward(torch, [.. x.Select(value => 0.5 * value + 0.1)], context).Values : Values(instance.Latents());
        Close(Forward(torch, x, context), Forward(compiled, x, context));
        Close(Inverse(torch, latents, context), Inverse(compiled, latents, context));
    });

    [Theory, MemberData(nameof(Compiled))]
    public void The_compiled_inverse_undoes_the_compiled_forward(Kind kind) => Holds(kind, (instance, _, compiled) =>
    {
        using var scope = NewDisposeScope();
        double[] x = Values(instance.Data()), context = instance.Condition() is { } condition ? Values(condition) : [];
        Mapped there = Forward(compiled, x, context), back = Inverse(compiled, there.Values, context);
        Close(x, back.Values, "x");
        Close([.. there.LogDet.Select(value => -value)], back.LogDet, "log-determinant");
        Close(there.LogProb, back.LogProb, "log-density");
    });

    [Theory, MemberData(nameof(Compiled))]
    public void Extreme_inputs_give_what_the_other_engine_gives(Kind kind) => Holds(kind, (instance, torch, compiled) =>
    {
        double[] extremes = [0, -0.0, 1, -1, 1.5, -1.5, 5, -5, 1e4, -1e4, 1e20, -1e20, double.Epsilon];
        double[] x = [.. extremes.SelectMany(value => Enumerable.Repeat(value, instance.Features))], context = new double[extremes.Length * instance.Context];
        Close(Forward(torch, x, context), Forward(compiled, x, context), 1e-7);
        double[] none = [.. Enumerable.Repeat(double.NaN, instance.Features)], own = new double[instance.Context];
        // What is no number has no density: the compiled form says so wherever the other one does.
        Assert.True(Forward(compiled, none, own).LogProb.All(double.IsNaN) || !Forward(torch, none, own).LogProb.All(double.IsNaN));
    });

    private static bool IsCompiled(Kind kind)
    {
        using Flow flow = new Instance(kind, kind.Image?.Aggregate((a, b) => a * b) ?? kind.Least, 1, 1, 1).Build();
        flow.to(float32);
        try
        {
            new CompiledEngine<double>(Checkpoint.Of(flow)).Dispose();
            return true;
        }
        catch (NotCompiledException)
        {
            return false;
        }
    }

    private static void Holds(Kind kind, Action<Instance, FlowEngine<double>, FlowEngine<double>> law) => Instance.Of(kind).Sample(
        instance =>
        {
            using Flow flow = instance.Build();
            flow.to(float32);
            Checkpoint checkpoint = Checkpoint.Of(flow);
            using var torch = new TorchEngine<double>(checkpoint.BuildFlow());
            using var compiled = new CompiledEngine<double>(checkpoint);
            law(instance, torch, compiled);
        },
        iter: kind.Numerical ? 3 : 8, threads: 1);

    private sealed record Mapped(double[] Values, double[] LogDet, double[] LogProb);

    private static Mapped Forward(FlowEngine<double> engine, double[] x, double[] context)
    {
        int rows = x.Length / engine.Width;
        var mapped = new Mapped(new double[x.Length], new double[rows], new double[rows]);
        engine.Forward(x, context, mapped.Values, mapped.LogDet, mapped.LogProb);
        return mapped;
    }

    private static Mapped Inverse(FlowEngine<double> engine, double[] z, double[] context)
    {
        int rows = z.Length / engine.Width;
        var mapped = new Mapped(new double[z.Length], new double[rows], new double[rows]);
        engine.Inverse(z, context, mapped.Values, mapped.LogDet, mapped.LogProb);
        return mapped;
    }

    private static double[] Values(Tensor rows) => rows.to(float64).contiguous().data<double>().ToArray();

    private static void Close(Mapped expected, Mapped actual, double tolerance = Tolerance)
    {
        Close(expected.Values, actual.Values, "values", tolerance);
        Close(expected.LogDet, actual.LogDet, "log-determinant", tolerance);
        Close(expected.LogProb, actual.LogProb, "log-density", tolerance);
    }

    private static void Close(double[] expected, double[] actual, string what, double tolerance = Tolerance)
    {
        for (int i = 0; i < expected.Length; i++)
            Assert.True(
                Math.Abs(expected[i] - actual[i]) <= tolerance * (1 + Math.Abs(expected[i])) || expected[i].Equals(actual[i]),
                $"{what} {i}: {actual[i]:r} instead of {expected[i]:r}");
    }
}
