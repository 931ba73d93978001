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

    [Fact]
    public async Task An_input_that_was_closed_is_refused_and_not_waited_for()
    {
        ProcessStartInfo start = StartInfo([], ["logprob", "--model", Cli.TwoMoons, "--input", "-"]);
        string[] command = [start.FileName, .. start.ArgumentList];
        start.FileName = "sh";
        start.ArgumentList.Clear();
        foreach (string word in (string[])["-c", "exec \"$@\" <&-", "sh", .. command])
            start.ArgumentList.Add(word);
        using Process process = Process.Start(start)!;

        string error = await process.StandardError.ReadToEndAsync();

        await process.WaitForExitAsync();
        new Outcome(process.ExitCode, "", error).FailsWith(1, "standard input: is closed");
    }

    /// <summary>A terminal that is closed while rows still come: nothing half-written stays.</summary>
    [Fact]
    public async Task Who_hangs_up_leaves_no_half_of_a_file()
    {
        using Process process = Process.Start(StartInfo([], ["logprob", "--model", Cli.TwoMoons, "--input", "-", "--output", cli.At("out.csv")]))!;
        await process.StandardInput.WriteAsync("x,y\n" + string.Concat(Enumerable.Repeat("0,1\n", 50_000)));
        await process.StandardInput.FlushAsync();
        while (!process.HasExited && !Directory.EnumerateFiles(cli.At("."), "*out.csv*").Any())
            await Task.Yield();

        using Process kill = Process.Start("kill", ["-HUP", $"{process.Id}"])!;
        await process.WaitForExitAsync();

        Assert.Equal((1, "flow: stopped\n"), (process.ExitCode, await process.StandardError.ReadToEndAsync()));
        Assert.Empty(Directory.EnumerateFiles(cli.At("."), "*out.csv*"));
    }

    private static Outcome Start(params string[] arguments) => StartWith([], arguments);

    /// <summary>The command under more environment variables.</summary>
    internal static Outcome StartWith((string Name, string Value)[] environment, params string[] arguments)
    {
        using Process process = Process.Start(StartInfo(environment, arguments))!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, error.Result);
    }

    private static ProcessStartInfo StartInfo((string Name, string Value)[] environment, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "flow.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return start;
    }
}
