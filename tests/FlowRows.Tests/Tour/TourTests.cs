using System.Diagnostics;
using System.Text.RegularExpressions;
using FlowService.Tests.Support;
using SkiaSharp;

namespace FlowRows.Tests.Tour;

/// <summary>The README's tour, as somebody pastes it: in a folder with the demo models, beside a running service.</summary>
public sealed partial class TourTests : IDisposable
{
    private readonly DirectoryInfo clone = Directory.CreateTempSubdirectory("flow-tour-");

    public void Dispose() => clone.Delete(recursive: true);

    [Fact]
    public async Task The_tour_gives_the_answers_that_it_shows_and_the_model_of_its_picture()
    {
        string models = Path.Combine(clone.FullName, "models");
        Copy(Path.Combine(AppContext.BaseDirectory, "models"), models);
        int port = ServiceProcess.FreePort();
        await using ServiceProcess service = await ServiceProcess.StartAsync(models, port);
        var (steps, compared) = (Readme.Tour(), 0);

        // What `dotnet run` would build stands beside these tests already.
        Assert.Equal("alias flow='dotnet run -c Release --project src/FlowCli --'", steps[0].Command);
        foreach (var (command, answer) in steps.Skip(1))
        {
            string said = await BashAsync(command.Replace("localhost:8080", $"127.0.0.1:{port}", StringComparison.Ordinal));
            if (answer.Length == 0)
                continue;
            AssertShows(answer, said);
            compared++;
        }

        Assert.Equal(8, compared);
        using HttpClient http = service.Http();
        await Eventually.TrueAsync(async () => (await http.GetAsync("/models/moons")).IsSuccessStatusCode, "the service finds the trained model");

        // A refusal would have been written into these files, and curl be content with it.
        using (SKBitmap large = SKBitmap.Decode(Path.Combine(clone.FullName, "large.png")))
            Assert.Equal((4 * 56) + (5 * 2), large.Width);
        Assert.True(File.ReadAllBytes(Path.Combine(clone.FullName, "spoken.wav")).AsSpan().StartsWith("RIFF"u8));

        // The same seed gives the same weights on any processor; another recipe's picture differs by 2 or more.
        Assert.InRange(Difference(Path.Combine(AppContext.BaseDirectory, "two-moons-density.png"), Path.Combine(clone.FullName, "moons.png")), 0, 0.5);
    }

    /// <summary>The text is the same, and each number agrees to the digits that are shown.</summary>
    private static void AssertShows(string shown, string said)
    {
        Assert.Equal(Number().Replace(shown, "#").TrimEnd('\n'), Number().Replace(said, "#").TrimEnd('\n'));
        foreach (var (a, b) in Number().Matches(shown).Zip(Number().Matches(said)))
        {
            int decimals = a.Value.Contains('.', StringComparison.Ordinal) ? a.Value.Length - a.Value.IndexOf('.', StringComparison.Ordinal) - 1 : 0;
            Assert.Equal(decimal.Parse(a.Value), decimal.Round(decimal.Parse(b.Value), decimals));
        }
    }

    private async Task<string> BashAsync(string command)
    {
        var start = new ProcessStartInfo("bash", ["-c", command]) { WorkingDirectory = clone.FullName, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{AppContext.BaseDirectory}:{start.Environment["PATH"]}";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{command}: {await error}");
        return output;
    }

    /// <summary>How far the values of two pictures' pixels lie apart, in the mean, of 255.</summary>
    private static double Difference(string one, string other)
    {
        using SKBitmap a = SKBitmap.Decode(one), b = SKBitmap.Decode(other);
        Assert.Equal(a.Info.Size, b.Info.Size);
        return a.Pixels.Zip(b.Pixels, (p, q) => (Math.Abs(p.Red - q.Red) + Math.Abs(p.Green - q.Green) + Math.Abs(p.Blue - q.Blue)) / 3.0).Average();
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (string folder in Directory.GetDirectories(from))
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }

    [GeneratedRegex(@"-?\d+(\.\d+)?")]
    private static partial Regex Number();
}
