using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled.Training;
using FlowCore.Training;
using static TorchSharp.torch;

namespace FlowCore.Tests.Laws;

/// <summary>The gradient of the mean log density, by every parameter, row and context, on both ways.</summary>
internal static class GradientComparison
{
    public static void Holds(Flow flow, Tensor rows, Tensor? context, double tolerance)
    {
        // What training starts a flow as: parameters that are read as they are, batch statistics aside.
        flow.eval();
        using var compiled = new CompiledTraining<double>(Checkpoint.Of(flow), 1, new Dictionary<string, LearningRate>());
        Tensor x = rows.detach().requires_grad_(true);
        Tensor? given = context?.detach().requires_grad_(flow.Spec.Context?.Classes is null);
        Tensor logProb = flow.LogProb(x, given).mean();
        logProb.backward();

        double[] values = Values(x), contexts = given is null ? [] : Values(given), ofRows = new double[values.Length], ofContexts = new double[contexts.Length];
        var ofParameters = new Dictionary<string, double[]>();
        Close([logProb.item<double>()], [compiled.Gradient(values, contexts, ofRows, ofContexts, ofParameters)], "log density", tolerance);
        Close(Values(x.grad!), ofRows, "rows", tolerance);
        if (given?.grad is { } grad)
            Close(Values(grad), ofContexts, "contexts", tolerance);
        foreach (var (name, parameter) in flow.named_parameters())
        {
            double[] expected = parameter.grad is { } own ? Values(own) : new double[parameter.numel()];
            if (!ofParameters.TryGetValue(name, out double[]? found))
                found = new double[expected.Length];
            Close(expected, found, name, tolerance);
        }
        Assert.Empty(ofParameters.Keys.Except(flow.named_parameters().Select(parameter => parameter.name)));
    }

    /// <summary>Relative to the largest entry of the tensor, or to 1.</summary>
    private static void Close(double[] expected, double[] actual, string what, double tolerance)
    {
        double size = expected.Length == 0 ? 1 : Math.Max(1, expected.Max(Math.Abs));
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * size, $"{what}[{i}]: {actual[i]:r} instead of {expected[i]:r}");
    }

    private static double[] Values(Tensor tensor) => tensor.detach().to(float64).contiguous().data<double>().ToArray();
}
