using System.Diagnostics;

namespace FlowService.Tests.Requests;

/// <summary>What reads numbers many at a time reads the same ones on processors with narrower vectors, and with none.</summary>
public sealed class NarrowVectorTests
{
    [Theory, InlineData("DOTNET_EnableAVX512"), InlineData("DOTNET_EnableAVX2"), InlineData("DOTNET_EnableHWIntrinsic")]
    public async Task Numbers_are_read_the_same_with_narrower_vectors(string setting)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "FlowService.Tests")) { RedirectStandardOutput = true };
        foreach (Type test in (Type[])[typeof(FloatTextTests), typeof(RowsPropertyTests)])
        {
            start.ArgumentList.Add("-class");
            start.ArgumentList.Add(test.FullName!);
        }
        start.Environment[setting] = "0";
        using Process tests = Process.Start(start)!;
        string output = await tests.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await tests.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(tests.ExitCode == 0, output);
        Assert.Contains("Failed: 0", output, StringComparison.Ordinal);
    }
}
