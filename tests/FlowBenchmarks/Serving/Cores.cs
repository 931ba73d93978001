using System.Diagnostics;

namespace FlowBenchmarks.Serving;

/// <summary>One core for the service and another for its clients, so that what clients spend is not taken from what is measured.</summary>
internal static class Cores
{
    public const int Service = 0, Clients = 1;

    /// <summary>Keeps all threads of this process, and those that they start, on one core.</summary>
    public static void KeepTo(int core)
    {
        var start = new ProcessStartInfo("taskset", ["-a", "-p", "-c", $"{core}", $"{Environment.ProcessId}"]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException("taskset cannot keep this process to a core");
    }
}
