using System.Text.Json;
using FlowCore.Bijections;
using FlowCore.Tests.Golden;
using FlowService.Tests.Support;

namespace FlowService.Tests.Golden;

/// <summary>Every golden model, imported and served, gives over HTTP the numbers of the library it was trained in.</summary>
[Collection(nameof(GoldenService))]
public sealed class GoldenHttpTests(GoldenService service)
{
    /// <summary>The first rows of each case are data; further ones are far from it.</summary>
    private const int Most = 32;

    private const double NatsMark = 1e-3, ValueMark = 1e-4;

    public static IEnumerable<TheoryDataRow<string>> Names => GoldenModel.Names.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Names))]
    public async Task Log_densities_equal_the_library(string name)
    {
        GoldenModel model = service[name];
        double[] expected = model.Values("log_prob")[..Most];

        JsonElement answer = await service.AskAsync(
            name, "/logprob", "x", model.Data("x")[..(Most * model.Checkpoint.Spec.Width)],
            model.Condition("context", "y", Most, model.Checkpoint.Spec.ContextWidth));

        float[] actual = answer.Floats("log_prob");
        Assert.Equal(Most, actual.Length);
        for (int i = 0; i < Most; i++)
            Assert.True(Math.Abs(actual[i] - expected[i]) <= NatsMark, $"{name}: log_prob of row {i} is {actual[i]}, the library's {expected[i]}");
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Decoded_latents_equal_the_library(string name)
    {
        GoldenModel model = service[name];
        int width = model.Checkpoint.Spec.Width;
        double[] latents = model.Latents("z_in") ?? model.Latents("eps")!;

        JsonElement answer = await service.AskAsync(
            name, "/decode", "z", latents[..(Most * width)], model.Condition("context_in", "y_in", Most, model.Checkpoint.Spec.ContextWidth));

        double[] actual = [.. answer.Rows("x").SelectMany(row => row).Select(value => (double)value)];
        double[] expected = Expected(model)[..(Most * width)];
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(actual[i] - expected[i]) <= ValueMark * (1 + Math.Abs(expected[i])),
                $"{name}: x in row {i / width}, column {i % width} is {actual[i]}, the library's {expected[i]}");
    }

    // Two repositories stop in logit space; a served sample is the image before the logit, u = alpha + (1 - 2 alpha) x. The logits
    // themselves are not compared: near black and white a float32 pixel holds fewer of their digits.
    private static double[] Expected(GoldenModel model)
    {
        if (!model.Has("x_out_sigmoid"))
            return model.Values("x_out");
        double alpha = ((LogitSpec)model.Checkpoint.Spec.Bijections[0]).Alpha;
        return Array.ConvertAll(model.Values("x_out_sigmoid"), u => (u - alpha) / (1 - 2 * alpha));
    }
}
