using System.Diagnostics;
using FlowService.Tests.Support;

namespace FlowService.Tests.Clients;

/// <summary>The Python client's own tests against the real service.</summary>
public sealed class PythonClientTests(SharedService service, ITestOutputHelper output)
{
    private const string Python = "/usr/bin/python3";

    [Fact]
    public async Task It_scores_samples_encodes_and_waits_for_a_busy_service()
    {
        string python = Installed.Find("python3", "the Python client", "python3-numpy", Python);
        Assert.SkipUnless((await RunAsync(python, "-c", "import numpy")).Code == 0, "NumPy is not installed here, so the Python client is not tested (Debian: apt-get install python3-numpy)");

        (int code, string text) = await RunAsync(python, Path.Combine(AppContext.BaseDirectory, "clients", "test_flow_client.py"), "-v");

        output.WriteLine(text);
        Assert.True(code == 0, text);
        Assert.DoesNotContain("skipped", text, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Text)> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
        start.Environment["FLOW_URL"] = service.Host.Address.ToString();
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using Process process = Process.Start(start)!;
        string text = await process.StandardError.ReadToEndAsync(); // unittest's own stream
        await process.WaitForExitAsync();
        return (process.ExitCode, text);
    }
}
