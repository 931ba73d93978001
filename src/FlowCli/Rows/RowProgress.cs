using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace FlowCli.Rows;

/// <summary>A bar with rows per second and the time that is left, where a terminal shows it and the rows go elsewhere.</summary>
internal static class RowProgress
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);

    /// <summary>Does some work that says how many rows it has read, and what share of the input they are.</summary>
    public static async Task ShowAsync(Terminal terminal, string? output, Func<Action<long, double>, Task> work)
    {
        if (!terminal.IsInteractive || output is null or RowPipe.Standard)
        {
            await work((_, _) => { });
            return;
        }
        await terminal.Console().Progress().AutoClear(true)
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async context =>
            {
                ProgressTask bar = context.AddTask("scoring", maxValue: 1);
                var clock = Stopwatch.StartNew();
                TimeSpan next = TimeSpan.Zero;
                await work((rows, share) =>
                {
                    if (clock.Elapsed < next)
                        return;
                    next = clock.Elapsed + BetweenLooks;
                    bar.Value = share;
                    bar.Description = Describe(rows, share, clock.Elapsed);
                    context.Refresh();
                });
            });
    }

    /// <summary>How far it is.</summary>
    public static string Describe(long rows, double share, TimeSpan elapsed)
    {
        string left = share > 0 ? $"  {Duration.Format(elapsed * ((1 - share) / share))} left" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{rows:N0} rows  {rows / Math.Max(elapsed.TotalSeconds, 1e-3):N0} rows/s{left}");
    }
}
