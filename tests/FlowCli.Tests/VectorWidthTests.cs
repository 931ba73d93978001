using FlowCore;
using FlowCore.Checkpoints;

namespace FlowCli.Tests;

/// <summary>The compiled engine gives the same bits on processors with narrower vectors, and with none at all.</summary>
[Collection(nameof(VectorWidthTests))]
public sealed class VectorWidthTests : IDisposable
{
    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    // The last two are processors without fused multiply-add instructions, where it is computed by software.
    private static readonly string[] Settings = ["DOTNET_EnableAVX512", "DOTNET_EnableAVX2", "DOTNET_EnableHWIntrinsic"];

    public static TheoryData<string> ModelNames => [.. Directory.GetDirectories(Cli.Models).Select(path => Path.GetFileName(path)!)];

    [Theory, MemberData(nameof(ModelNames))]
    public void Narrower_vectors_give_the_same_bits(string model)
    {
        string checkpoint = Path.Combine(Cli.Models, model, "1"), rows = cli.At("rows.csv");
        // Two classes in turn, where the model has classes; else two rows of numbers.
        FlowSpec spec = Checkpoint.Read(checkpoint).Spec;
        string[] context = spec.Context switch
        {
            null => [],
            { Classes: not null } => ["--context", cli.Write("context.csv", "class\n3\n8\n")],
            { Width: var width } => ["--context", cli.Write("context.csv", string.Join('\n', Line(width, i => $"c{i}"), Line(width, i => $"{i % 7}"), Line(width, i => $"{i % 5}")))],
        };
        Assert.Equal(0, ProcessTests.StartWith([], ["sample", "--model", checkpoint, "--count", "1", "--seed", "4", "--output", rows, .. context]).Code);
        foreach (string[] arguments in (string[][])
        [
            ["sample", "--model", checkpoint, "--count", spec.Width > 100 ? "1" : "10", "--seed", "4", "--include", "log_prob", "log_q", .. context],
            ["encode", "--model", checkpoint, "--input", rows, "--include", "log_prob", "log_det", .. context],
        ])
        {
            string wide = ProcessTests.StartWith([], arguments).Output;
            Assert.Contains("log_prob", wide, StringComparison.Ordinal);
            foreach (string setting in IsLarge(model) ? Settings[..1] : Settings)
                Assert.Equal(wide, ProcessTests.StartWith([(setting, "0")], arguments).Output);
        }
    }

    // Millions of products a row, which software takes a minute for.
    private static bool IsLarge(string model) => model is "clothing-4x" or "speech";

    private static string Line(int values, Func<int, string> value) => string.Join(',', Enumerable.Range(0, values).Select(value));

    [Fact]
    public void Narrower_vectors_and_more_threads_train_the_same_weights()
    {
        byte[] wide = Trained([], threads: 1);
        Assert.Equal(wide, Trained([("DOTNET_EnableAVX512", "0")], threads: 1));
        Assert.Equal(wide, Trained([("DOTNET_EnableAVX2", "0")], threads: 2));
    }

    private byte[] Trained((string, string)[] settings, int threads)
    {
        string folder = cli.At(Path.Combine(Path.GetRandomFileName(), "m", "1"));
        string data = cli.Write("data.csv", "a,b,c\n" + string.Concat(Enumerable.Range(0, 400).Select(i => $"{i % 17}.5,{i * i % 29}.25,{i * 7 % 23}.125\n")));
        Outcome outcome = ProcessTests.StartWith(
            settings, ["train", "--input", data, "--out", folder, "--epochs", "3", "--layers", "2", "--batch", "200", "--threads", $"{threads}"]);
        Assert.True(outcome.Code == 0, outcome.Error);
        return File.ReadAllBytes(Path.Combine(folder, Checkpoint.WeightsFile));
    }
}
