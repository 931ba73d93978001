using System.Security.Cryptography;
using FlowCore.Checkpoints;

namespace FlowCore.Calibration;

/// <summary>
/// What ordinary rows that training did not see look like to a model: their scores, to tell how strange another row is, and some of the rows
/// themselves, to tell why, and what a missing value might have been. It is the file <c>calibration.safetensors</c> of a checkpoint.
/// </summary>
/// <param name="LogProb">Their log densities.</param>
/// <param name="LatentNorm2">The squared lengths of their latents.</param>
/// <param name="Reference">Some of the rows.</param>
/// <param name="Columns">The mean and the standard deviation of each column.</param>
/// <param name="Kernel">How near they are to the training rows; null where that is not known.</param>
public sealed record CalibrationSet(ConformalScale LogProb, ConformalScale LatentNorm2, ReferenceRows Reference, ColumnMoments Columns, KernelScale? Kernel = null)
{
    /// <summary>The name of the file.</summary>
    public const string File = "calibration.safetensors";

    /// <summary>The hash of the file that it was read from; null where it was not.</summary>
    public string? Sha256 { get; private init; }

    private readonly Lazy<LeaveOneOut> reasons = new(() => new(Reference));
    private readonly Lazy<Donors> donors = new(() => new(Reference));

    /// <summary>n, the number of calibration rows.</summary>
    public int Count => LogProb.Count;

    /// <summary>The kinds of scores that it has.</summary>
    public IEnumerable<ScoreKind> Kinds => Kernel is null ? [ScoreKind.LogProb, ScoreKind.LatentNorm2] : Enum.GetValues<ScoreKind>();

    /// <summary>What explains rows, made when it is first asked for.</summary>
    public LeaveOneOut Reasons => reasons.Value;

    /// <summary>What may stand for missing values.</summary>
    public Donors Donors => donors.Value;

    /// <summary>The calibrations of rows that lack values, by what they lack.</summary>
    public PatternScales Patterns { get; } = new();

    /// <summary>The scores of this kind.</summary>
    /// <exception cref="FlowException">There are none.</exception>
    public ConformalScale Of(ScoreKind kind) => kind switch
    {
        ScoreKind.LogProb => LogProb,
        ScoreKind.LatentNorm2 => LatentNorm2,
        ScoreKind.Kernel => Kernel?.Near ?? throw NoKernel(),
        _ => Kernel?.Both ?? throw NoKernel(),
    };

    private static FlowException NoKernel() =>
        new("the calibration has no kernel scores: they are made by flow train, of tables without context");

    /// <summary>
    /// The score by which anomalies are told where nobody says which: the log density and the nearness to training rows together, where both are
    /// known. On labelled tables it is never far behind either, which each of them is on some (docs/anomaly.md).
    /// </summary>
    public ScoreKind Usual => Kernel is null ? ScoreKind.LogProb : ScoreKind.Combined;

    /// <summary>Reads the file of a checkpoint's folder; null where there is none.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="spec">The model, as its flow.json describes it.</param>
    /// <exception cref="CheckpointException">The file is damaged, or belongs to other weights; the message names the tensor.</exception>
    public static CalibrationSet? Read(string folder, FlowSpec spec)
    {
        string path = Path.Combine(folder, File);
        if (FileStatus.IsMissing(path))
            return null;
        byte[] bytes = ReadBytes(path);
        return CalibrationFile.Parse(bytes, path, spec) with { Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) };
    }

    /// <summary>Writes the file of a checkpoint's folder: aside, and then renamed into place.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="spec">The model, as its flow.json describes it: the file says which weights it belongs to.</param>
    public void Write(string folder, FlowSpec spec)
    {
        string path = Path.Combine(folder, File), aside = Path.Combine(folder, $".{File}.{Guid.NewGuid():N}");
        try
        {
            System.IO.File.WriteAllBytes(aside, CalibrationFile.Bytes(this, spec));
            System.IO.File.Move(aside, path, overwrite: true);
        }
        catch
        {
            System.IO.File.Delete(aside);
            throw;
        }
    }

    private static byte[] ReadBytes(string path)
    {
        try
        {
            return WholeFile.Read(path);
        }
        catch (Exception e) when (e is IOException or OutOfMemoryException)
        {
            throw new CheckpointException($"{path}: cannot be read ({e.Message})", e);
        }
    }
}
