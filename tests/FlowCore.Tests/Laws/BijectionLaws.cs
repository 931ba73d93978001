using CsCheck;
using FlowCore.Bijections;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tests.Laws;

/// <summary>What holds for every kind, in float64, at random sizes, weights, data and contexts.</summary>
public sealed class BijectionLaws
{
    private const double Tolerance = 1e-9, QuadratureTolerance = 5e-3;
    // An image's size is the kind's: chance has less to choose, and each of its values costs a pass backward.
    private const int Runs = 12, ImageRuns = 4, NumericalRuns = 3;

    [Theory, MemberData(nameof(Kinds.Rows), MemberType = typeof(Kinds))]
    public void Inverse_undoes_forward_and_forward_undoes_inverse(Kind kind) => Holds(kind, (instance, flow) =>
    {
        Tensor x = instance.Data(), z = Latents(instance, flow);
        Tensor? context = instance.Condition();
        Close(x, flow.Decode(flow.Encode(x, context).Values, context).Values, "x");
        Close(z, flow.Encode(flow.Decode(z, context).Values, context).Values, "z");
    });

    [Theory, MemberData(nameof(Kinds.Rows), MemberType = typeof(Kinds))]
    public void Log_determinant_is_that_of_autograds_Jacobian(Kind kind) => Holds(kind, (instance, flow) =>
    {
        Tensor x = instance.Data();
        Tensor? context = instance.Condition();
        double tolerance = kind.IsQuadrature ? QuadratureTolerance : Tolerance;
        Close(LogAbsDet(x, values => flow.Encode(values, context).Values), flow.Encode(x, context).LogDet, "log-determinant", tolerance);
        Tensor z = Latents(instance, flow);
        Close(LogAbsDet(z, values => flow.Decode(values, context).Values), flow.Decode(z, context).LogDet, "inverse log-determinant", tolerance);
    });

    [Theory, MemberData(nameof(Kinds.Rows), MemberType = typeof(Kinds))]
    public void Inverse_log_determinant_is_minus_the_forward_one(Kind kind) => Holds(kind, (instance, flow) =>
    {
        Tensor? context = instance.Condition();
        Mapped there = flow.Encode(instance.Data(), context);
        Close(-there.LogDet, flow.Decode(there.Values, context).LogDet, "log-determinant");
    });

    [Theory, MemberData(nameof(Kinds.Rows), MemberType = typeof(Kinds))]
    public void A_batch_equals_its_rows_one_by_one(Kind kind) => Holds(kind, (instance, flow) =>
    {
        Tensor x = instance.Data();
        Tensor? context = instance.Condition();
        Mapped batch = flow.Encode(x, context);
        Mapped back = flow.Decode(batch.Values, context);
        for (int i = 0; i < instance.Rows; i++)
        {
            Tensor? own = context?.narrow(0, i, 1);
            Mapped row = flow.Encode(x.narrow(0, i, 1), own);
            Close(batch.Values.narrow(0, i, 1), row.Values, $"z of row {i}");
            Close(batch.LogDet.narrow(0, i, 1), row.LogDet, $"log-determinant of row {i}");
            // Of the same latent: one that differs in its last digit may lie far away in x. So may the knots of a spline, for a network's
            // last digit depends on the batch; where a bin is all but flat, x is known no better than that the map takes it to its latent.
            Tensor latent = batch.Values.narrow(0, i, 1), alone = flow.Decode(latent, own).Values;
            Tensor same = Same(back.Values.narrow(0, i, 1), alone).logical_or(Same(latent, flow.Encode(alone, own).Values));
            Assert.True(same.all().ToBoolean(), $"x of row {i}: relative error {Error(back.Values.narrow(0, i, 1), alone).max().ToDouble():g3}");
        }
    });

    [Theory, MemberData(nameof(Kinds.Rows), MemberType = typeof(Kinds))]
    public void Every_parameter_gets_a_gradient(Kind kind) => Holds(kind, (instance, flow) =>
    {
        if (!flow.parameters().Any())
            return;
        flow.LogProb(instance.Data(), instance.Condition()).sum().backward();
        foreach (var (name, parameter) in flow.named_parameters())
            Assert.True(parameter.grad is { } gradient && gradient.isfinite().all().ToBoolean(), $"{name} has no finite gradient");
    });

    [Theory, MemberData(nameof(Kinds.Rows), MemberType = typeof(Kinds))]
    public void Extreme_inputs_never_throw(Kind kind) => Holds(kind, (instance, flow) =>
    {
        using var mode = inference_mode();
        double[] extremes = [0, -0.0, 1, -1, 1.5, -1.5, 5, -5, 1e4, -1e4, 1e20, -1e20, 1e300, double.Epsilon, double.NaN, double.PositiveInfinity];
        Tensor rows = tensor(extremes, device: TestDevice.Device).unsqueeze(1).expand(extremes.Length, instance.Features).contiguous();
        Tensor? context = instance.Context == 0 ? null : zeros(extremes.Length, instance.Context, float64, TestDevice.Device);
        Assert.Equal(extremes.Length, flow.LogProb(rows, context).shape[0]);
        Assert.Equal(extremes.Length, flow.Decode(rows, context).LogDet.shape[0]);
        // Row 0 is an ordinary one: its neighbours must not have touched it.
        Tensor alone = flow.Encode(rows.narrow(0, 0, 1), context?.narrow(0, 0, 1)).LogDet;
        Close(alone, flow.Encode(rows, context).LogDet.narrow(0, 0, 1), "log-determinant beside extreme rows");
    });

    // A numerical element may saturate: beyond its range a latent has no row. What it makes of rows has one.
    private static Tensor Latents(Instance instance, Flow flow) => instance.Kind.Numerical
        ? flow.Encode(instance.Data() * 0.5 + 0.1, instance.Condition()).Values.detach()
        : instance.Latents();

    private static void Holds(Kind kind, Action<Instance, Flow> law) => Instance.Of(kind).Sample(
        instance =>
        {
            using var scope = NewDisposeScope();
            using Flow flow = instance.Build();
            law(instance, flow);
        },
        iter: kind.Numerical ? NumericalRuns : kind.Image is null ? Runs : ImageRuns, threads: 1);

    private static void Close(Tensor expected, Tensor actual, string what, double tolerance = Tolerance) =>
        Assert.True(Same(expected, actual, tolerance).all().ToBoolean(), $"{what}: relative error {Error(expected, actual).max().ToDouble():g3}");

    // Not "<=" on the tensor: NaN must fail too, unless both sides agree that there is no number.
    private static Tensor Same(Tensor expected, Tensor actual, double tolerance = Tolerance) => Error(expected, actual).le(tolerance).logical_or(expected.eq(actual));

    private static Tensor Error(Tensor expected, Tensor actual) => (expected - actual).abs() / (1 + expected.abs());

    private static Tensor LogAbsDet(Tensor at, Func<Tensor, Tensor> map)
    {
        Tensor input = at.detach().clone().requires_grad_(true);
        Tensor output = map(input);
        int width = (int)output.shape[1];
        var rows = new List<Tensor>();
        for (int j = 0; j < width; j++)
        {
            input.grad?.zero_();
            output.select(1, j).sum().backward(retain_graph: true);
            rows.Add(input.grad is { } gradient ? gradient.clone() : zeros_like(at));
        }
        return linalg.slogdet(stack(rows, 1)).Item2;
    }
}
