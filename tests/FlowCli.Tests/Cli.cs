using System.Globalization;

namespace FlowCli.Tests;

/// <summary>A folder of its own for one test, and the command line run inside this process.</summary>
public sealed class Cli : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flow-cli-");

    public string At(string name) => Path.Combine(folder.FullName, name);

    /// <summary>The demo models that the project ships.</summary>
    public static string Models => Path.Combine(AppContext.BaseDirectory, "models");

    public static string TwoMoons => Path.Combine(Models, "two-moons", "1");

    public string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    /// <summary>Columns a and b: b leans on a, with normal noise.</summary>
    public string WriteTable(string name = "data.csv", int rows = 60, ulong seed = 3)
    {
        var noise = new double[rows * 2];
        FlowCore.Densities.Noise.FillNormal(seed, 0, 2, noise.AsSpan());
        var lines = Enumerable.Range(0, rows).Select(i => string.Create(CultureInfo.InvariantCulture,
            $"{noise[2 * i]:F6},{0.5 * noise[2 * i] + noise[2 * i + 1]:F6}"));
        return Write(name, "a,b\n" + string.Join('\n', lines) + "\n");
    }

    /// <summary>A small model of <see cref="WriteTable"/>'s rows; the folder.</summary>
    public string TrainSmall(string name = "small", ulong seed = 0, string flow = "realnvp")
    {
        string data = File.Exists(At("data.csv")) ? At("data.csv") : WriteTable();
        Outcome outcome = Run("train", "--input", data, "--flow", flow, "--layers", "2", "--hidden", "8", "--epochs", "4",
            "--seed", seed.ToString(CultureInfo.InvariantCulture), "--out", At($"{name}/1"));
        Assert.True(outcome.Code == 0, outcome.Error);
        return At($"{name}/1");
    }

    /// <summary>A file to train on, as the command line would ask for it.</summary>
    internal static Training.TrainingRequest Request(string data, string? label = null, string? labels = null, int[]? shape = null) => new()
    {
        Data = data,
        Label = label,
        Labels = labels,
        Event = shape,
        Out = "models/test/1",
        Preset = "nsf",
        Sizes = new(null, null, null, null),
        Options = new(),
        Dequantize = Training.Dequantizing.Auto,
        Command = "",
    };

    internal static readonly Terminal Quiet = new(TextWriter.Null, TextWriter.Null, false, default);

    public static Outcome Run(params string[] arguments) => Run(CancellationToken.None, arguments);

    public static Outcome Run(CancellationToken stop, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = FlowCommand.Run(arguments, output, error, stop: stop);
        return new(code, output.ToString(), error.ToString());
    }

    /// <summary>The numbers of a CSV file with a header, row after row.</summary>
    public static double[] Numbers(string csv) =>
        [.. csv.TrimEnd('\n').Split('\n').Skip(1).SelectMany(line => line.Split(',')).Select(cell => cell switch
        {
            "-inf" => double.NegativeInfinity,
            _ => double.Parse(cell, CultureInfo.InvariantCulture),
        })];

    /// <summary>Some columns of a CSV file with a header, row after row.</summary>
    public static double[] Columns(string csv, params string[] names)
    {
        string[] header = csv[..csv.IndexOf('\n', StringComparison.Ordinal)].Split(',');
        int[] wanted = [.. names.Select(name => Array.IndexOf(header, name))];
        Assert.DoesNotContain(-1, wanted);
        return [.. Numbers(csv).Chunk(header.Length).SelectMany(row => wanted.Select(column => row[column]))];
    }

    public void Dispose() => folder.Delete(recursive: true);
}

/// <summary>How a command ended.</summary>
public sealed record Outcome(int Code, string Output, string Error)
{
    /// <summary>Asserts a failure that is told in one line, with these words in it.</summary>
    public void FailsWith(int code, params string[] words)
    {
        Assert.Equal(code, Code);
        Assert.Single(Error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("flow: ", Error, StringComparison.Ordinal);
        foreach (string word in words)
            Assert.Contains(word, Error, StringComparison.Ordinal);
    }
}
