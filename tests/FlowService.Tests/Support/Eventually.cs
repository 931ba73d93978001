using System.Diagnostics;

namespace FlowService.Tests.Support;

/// <summary>Waits for what another thread brings about, and gives up after some minutes.</summary>
internal static class Eventually
{
    // Asking without a pause would take the core from what is waited for.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public static async Task TrueAsync(Func<Task<bool>> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < Patience, $"waited in vain until {what}");
            await Task.Delay(Pause);
        }
    }

    public static Task TrueAsync(Func<bool> condition, string what) => TrueAsync(() => Task.FromResult(condition()), what);
}
