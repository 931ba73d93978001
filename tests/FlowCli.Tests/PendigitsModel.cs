using System.Globalization;

namespace FlowCli.Tests;

/// <summary>60 % of the ordinary rows to train on, 20 % to calibrate with, 20 % that are fresh; and the anomalies.</summary>
public sealed class PendigitsModel : IDisposable
{
    private readonly Cli cli = new();
    private readonly string[] names;

    public PendigitsModel()
    {
        (double[][] rows, bool[] anomalous, names) = Adbench.Read("pendigits");
        double[][] ordinary = [.. rows.Where((_, row) => !anomalous[row])];
        new Random(0).Shuffle(ordinary);
        (int known, int held) = (ordinary.Length * 6 / 10, ordinary.Length * 8 / 10);
        (Calibration, Fresh, Anomalies) = (ordinary[known..held], ordinary[held..], [.. rows.Where((_, row) => anomalous[row])]);
        Run("train", "--input", Write("train.csv", ordinary[..known]), "--flow", "realnvp", "--layers", "6", "--hidden", "64", "--epochs", "60", "--out", Folder);
        Run("calibrate", "--model", Folder, "--input", Write("calibration.csv", Calibration));
    }

    public double[][] Calibration { get; }

    public double[][] Fresh { get; }

    public double[][] Anomalies { get; }

    /// <summary>The checkpoint's folder.</summary>
    public string Folder => cli.At("pendigits/1");

    /// <summary>What <c>flow score</c> writes of some rows.</summary>
    public string Score(double[][] rows, params string[] options) =>
        Run(["score", "--model", Folder, "--input", Write("rows.csv", rows), .. options]);

    public double[] LogProb(double[][] rows) => Cli.Numbers(Run("logprob", "--model", Folder, "--input", Write("rows.csv", rows)));

    /// <summary>A column of CSV with a header.</summary>
    public static string[] Column(string csv, string name)
    {
        string[] lines = csv.TrimEnd('\n').Split('\n');
        int column = Array.IndexOf(lines[0].Split(','), name);
        return [.. lines.Skip(1).Select(line => line.Split(',')[column])];
    }

    public void Dispose() => cli.Dispose();

    private string Write(string name, double[][] rows) => cli.Write(name, string.Join('\n',
        rows.Select(row => string.Join(',', row.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))).Prepend(string.Join(',', names))) + "\n");

    private static string Run(params string[] arguments)
    {
        Outcome outcome = Cli.Run(arguments);
        Assert.True(outcome.Code == 0, outcome.Error);
        return outcome.Output;
    }
}
