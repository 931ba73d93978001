namespace FlowCli.Tests;

/// <summary>The compiled engine gives the same bits on processors with narrower vectors, and with none at all.</summary>
public sealed class VectorWidthTests : IDisposable
{
    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    public static TheoryData<string, string> Narrower()
    {
        var data = new TheoryData<string, string>();
        // The last two are processors without fused multiply-add instructions, where it is computed by software.
        foreach (string setting in (string[])["DOTNET_EnableAVX512", "DOTNET_EnableAVX2", "DOTNET_EnableHWIntrinsic"])
            foreach (string model in Directory.GetDirectories(Cli.Models).Select(path => Path.GetFileName(path)!))
                data.Add(setting, model);
        return data;
    }

    [Theory, MemberData(nameof(Narrower))]
    public void Narrower_vectors_give_the_same_bits(string setting, string model)
    {
        string checkpoint = Path.Combine(Cli.Models, model, "1"), rows = cli.At("rows.csv");
        List<string> sample = ["sample", "--model", checkpoint, "--count", "20", "--seed", "4", "--include", "log_prob", "log_q"];
        string wide = ProcessTests.StartWith([], [.. sample]).Output;
        Assert.Equal(wide, ProcessTests.StartWith([(setting, "0")], [.. sample]).Output);

        Assert.Equal(0, Cli.Run("sample", "--model", checkpoint, "--count", "20", "--seed", "4", "--output", rows).Code);
        string[] encode = ["encode", "--model", checkpoint, "--input", rows, "--include", "log_prob", "log_det"];
        string expected = ProcessTests.StartWith([], encode).Output;
        Assert.NotEmpty(expected);
        Assert.Equal(expected, ProcessTests.StartWith([(setting, "0")], encode).Output);
    }
}
