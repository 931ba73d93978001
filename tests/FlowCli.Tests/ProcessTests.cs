using System.Diagnostics;

namespace FlowCli.Tests;

/// <summary>The command as a process of its own.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public void Rows_go_out_by_the_standard_output_alone()
    {
        Outcome outcome = Start("sample", "--model", Cli.TwoMoons, "--count", "3", "--seed", "1");
        Assert.Equal(0, outcome.Code);
        Assert.Empty(outcome.Error);
        Assert.StartsWith("x,y,log_prob,log_q\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(12, Cli.Numbers(outcome.Output).Length);
        Assert.Equal(Cli.Run("sample", "--model", Cli.TwoMoons, "--count", "3", "--seed", "1").Output, outcome.Output);
    }

    [Fact]
    public void Failures_are_one_line_on_the_error_stream()
    {
        Start("logprob", "--model", cli.At("none"), "--input", "x.csv").FailsWith(1, "not found");
        Start("logprob").FailsWith(2, "--model");
    }

    private static Outcome Start(params string[] arguments) => StartWith([], arguments);

    /// <summary>The command under more environment variables.</summary>
    internal static Outcome StartWith((string Name, string Value)[] environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "flow.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, error.Result);
    }
}
