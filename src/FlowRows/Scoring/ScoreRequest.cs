using System.Globalization;
using System.Numerics;
using FlowCore;
using FlowCore.Calibration;
using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowRows.Scoring;

/// <summary>
/// What is wanted of rows beside their log densities, checked against what the model was calibrated with: the one rule for every program,
/// format and protocol.
/// </summary>
internal sealed class ScoreRequest
{
    public const string PValue = "p_value", QValue = "q_value", Severity = "severity", Attribution = "attribution", ZScores = "z_scores", Anomaly = "anomaly", MissingCount = "n_missing";

    private const int DefaultTop = 3;

    // With as few calibration rows behind it, a rate is known to a third at best.
    private const int FewRows = 10;

    private readonly ConformalScale scale;
    private readonly HashSet<string> include;

    private ScoreRequest(CalibrationSet calibration, ScoreArguments arguments, HashSet<string> include, FlowSpec spec)
    {
        (Calibration, Alpha, this.include, Marginalizes) = (calibration, arguments.Alpha, include, arguments.Missing == Missing.Marginalize);
        scale = calibration.Of(KindOf(arguments, calibration));
        Ranks = new(scale.Count, Marginalizes ? calibration.Donors.Others.Length : 0);
        Explain = include.Contains(Attribution) ? arguments.Explain ?? Explained.All : null;
        Top = Math.Min(arguments.Top ?? DefaultTop, spec.Width);
        Features = RowNames.Data(spec);
        Warnings = [.. WarningsOf()];
    }

    /// <summary>The words for scores, in the order of their kinds.</summary>
    public static string[] Names => ["log_prob", "latent_norm2", "kernel", "combined"];

    /// <summary>What may be asked for by name.</summary>
    public static string[] Includes => [PValue, QValue, Severity, Attribution, ZScores];

    public CalibrationSet Calibration { get; }

    /// <summary>The ranks of rows, of which each has a p-value.</summary>
    public RankScale Ranks { get; }

    public double? Alpha { get; }

    /// <summary>Which rows are explained; null where none is.</summary>
    public Explained? Explain { get; }

    /// <summary>Whether rows that lack values are scored.</summary>
    public bool Marginalizes { get; }

    /// <summary>The most features that a row is explained by: as many as were asked for, and no more than the model has.</summary>
    public int Top { get; }

    public string[] Features { get; }

    /// <summary>What the calibration is too small for.</summary>
    public string[] Warnings { get; }

    /// <summary>Whether an answer says something that is known once all rows are.</summary>
    public bool NeedsAllRows => include.Contains(QValue);

    /// <summary>Whether an answer says how strange rows are.</summary>
    public bool NeedsPValues => Alpha is not null || include.Overlaps([PValue, QValue, Severity]);

    /// <summary>Whether the rows' latents are needed.</summary>
    public bool NeedsLatents => scale.Kind == ScoreKind.LatentNorm2;

    /// <summary>The number of calibration rows, and the least p-value that there can be of so many.</summary>
    public (string Score, int Rows, double LeastPValue) Facts => (Names[(int)scale.Kind], scale.Count, scale.LeastPValue);

    /// <summary>What is asked for; null where it is nothing of the kind.</summary>
    /// <param name="arguments">What was sent.</param>
    /// <param name="include">What is asked for by name; the name of what follows from another argument is added.</param>
    /// <param name="spec">The model.</param>
    /// <param name="model">The model's name, for messages.</param>
    /// <param name="calibration">What the model was calibrated with, or null.</param>
    /// <exception cref="RowFault">The model is not calibrated, or an argument is out of range or has nothing to act on.</exception>
    public static ScoreRequest? Of(ScoreArguments arguments, HashSet<string> include, FlowSpec spec, string model, CalibrationSet? calibration)
    {
        string? asked = arguments.Given ?? Array.Find(Includes, include.Contains);
        if (asked is null)
            return null;
        if (calibration is null)
            throw new RowFault(RowFaultKind.NotCalibrated,
                $"{asked} needs calibrated scores, and model '{model}' has none: run flow calibrate --model FOLDER --input ROWS with ordinary rows that it was not trained on")
            { Field = asked };
        Check(arguments, include);
        if (arguments.Score is ScoreKind.Kernel or ScoreKind.Combined && calibration.Kernel is null)
            throw Invalid("score", $"model '{model}' has no {Names[(int)arguments.Score]} scores: flow train makes them, of tables without context; take log_prob or latent_norm2");
        if (arguments.Missing == Missing.Marginalize && calibration.Donors.Others.Length == 0)
            throw Invalid("missing", "missing: marginalize takes values from some reference rows and compares with others: calibrate with two rows or more");
        if (arguments.Alpha is not null)
            include.Add(Anomaly);
        if (arguments.Missing == Missing.Marginalize)
            include.Add(MissingCount);
        return new(calibration, arguments, include, spec);
    }

    /// <summary>How strange rows are among those of the calibration.</summary>
    /// <param name="x">The rows, flat.</param>
    /// <param name="results">What the model made of them.</param>
    /// <param name="errors">Those that could not be read.</param>
    /// <param name="missing">What they lack.</param>
    /// <param name="pool">Where the ranks come from.</param>
    /// <param name="threads">The most threads that compare rows with training rows.</param>
    public RowScores Rank<T>(ReadOnlySpan<T> x, RowResults<T> results, RowErrors? errors, MissingValues<T>? missing, RowPool pool, int threads = 1)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RowBuffer<int> ranks = pool.Rent<int>(results.LogProb.Length);
        using RowBuffer<T>? norms = NeedsLatents ? Derived.SquaredNorms(results.Values!, Features.Length, pool) : null;
        ReadOnlySpan<T> scores = (norms ?? results.LogProb).Span;
        KernelScale? kernel = scale.Kind is ScoreKind.Kernel or ScoreKind.Combined ? Calibration.Kernel : null;
        using RowBuffer<double>? near = kernel is null ? null : pool.Rent<double>(scores.Length);
        kernel?.Density.LogDensities(x, near!.Span, threads);
        for (int row = 0; row < scores.Length; row++)
        {
            double score = double.CreateTruncating(scores[row]);
            if (missing?.Of(row) is { } lacking)
            {
                ranks.Span[row] = Ranks.OfLacking(lacking.Scale?.RankOf(score) ?? Ranks.Lacking + 1);
                continue;
            }
            if (kernel is not null)
                score = scale.Kind == ScoreKind.Kernel ? near!.Span[row] : kernel.Score.Of(score, near!.Span[row]);
            ranks.Span[row] = scale.RankOf(score);
        }
        return new(ranks, ToExplain(ranks.Span, row => errors?.Of(row) is null && (missing?.CountOf(row) ?? 0) == 0));
    }

    /// <summary>
    /// Adds what was asked for to an answer. Where q-values are, the rows' ranks stand in their column until <see cref="RankedRows"/> has all
    /// rows.
    /// </summary>
    /// <param name="answer">The answer, with its log densities.</param>
    /// <param name="scores">What <see cref="Rank"/> gave, and the reasons.</param>
    /// <param name="x">The rows, flat.</param>
    /// <param name="missing">What they lack.</param>
    /// <param name="pool">Where columns come from.</param>
    public void AddTo<T>(Answer<T> answer, RowScores scores, ReadOnlySpan<T> x, MissingValues<T>? missing, RowPool pool)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (include.Contains(PValue))
            answer.AddDerived(PValue, Each(scores, Ranks.PValueOf));
        if (include.Contains(QValue))
            answer.AddDerived(QValue, Each(scores, rank => rank));
        if (include.Contains(Severity))
            answer.AddDerived(Severity, Each(scores, rank => FlowCore.Calibration.Severity.Of(Ranks.PValueOf(rank))));
        if (include.Contains(ZScores))
            answer.AddDerived(ZScoresOf(x, pool), Features);
        if (missing is not null)
            answer.AddDerived(MissingCount, CountsOf(missing, answer.Rows, pool));
        if (Alpha is not null)
            answer.AddFlags(Anomaly, Each(scores, rank => IsAnomaly(rank) ? 1 : 0));
        answer.Reasons = scores.Reasons;
        answer.Calibration = this;

        RowBuffer<T> Each(RowScores of, Func<int, double> value)
        {
            RowBuffer<T> column = pool.Rent<T>(of.Ranks.Length);
            Span<T> target = column.Span;
            ReadOnlySpan<int> ranks = of.Ranks.Span;
            for (int row = 0; row < target.Length; row++)
                target[row] = T.CreateTruncating(value(ranks[row]));
            return column;
        }
    }

    private bool IsAnomaly(int rank) => Ranks.PValueOf(rank) <= Alpha;

    private int[] ToExplain(ReadOnlySpan<int> ranks, Func<int, bool> isWhole)
    {
        if (Explain is not { } which)
            return [];
        var rows = new List<int>();
        for (int row = 0; row < ranks.Length; row++)
            if ((which == Explained.All || IsAnomaly(ranks[row])) && isWhole(row))
                rows.Add(row);
        return [.. rows];
    }

    private static RowBuffer<T> CountsOf<T>(MissingValues<T> missing, int rows, RowPool pool)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RowBuffer<T> counts = pool.Rent<T>(rows);
        for (int row = 0; row < rows; row++)
            counts.Span[row] = T.CreateTruncating(missing.CountOf(row));
        return counts;
    }

    private RowBuffer<T> ZScoresOf<T>(ReadOnlySpan<T> x, RowPool pool)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RowBuffer<T> scores = pool.Rent<T>(x.Length);
        Span<T> target = scores.Span;
        for (int i = 0; i < target.Length; i++)
            target[i] = T.CreateTruncating(Calibration.Columns.ZScore(i % Features.Length, double.CreateTruncating(x[i])));
        return scores;
    }

    private IEnumerable<string> WarningsOf()
    {
        if (Alpha is not { } alpha)
            yield break;
        if (WarningOf(alpha, scale.Count, "calibration rows", $"; calibrate with {Math.Ceiling(FewRows / alpha)} rows or more") is { } warning)
            yield return warning;
        if (Marginalizes && WarningOf(alpha, Ranks.Lacking, "reference rows for rows that lack values", "") is { } ofLacking)
            yield return ofLacking;
    }

    private static string? WarningOf(double alpha, int count, string rows, string remedy)
    {
        long behind = (long)Math.Floor(alpha * (count + 1) + 1e-9);
        return behind < 1
            ? string.Create(CultureInfo.InvariantCulture,
                $"no row can be an anomaly at alpha {alpha}: with {count} {rows} the least p-value is {1.0 / (count + 1):G3}; at least {ConformalScale.LeastCount(alpha)} rows are needed")
            : behind < FewRows ? string.Create(CultureInfo.InvariantCulture,
                $"alpha {alpha} rests on the {behind} strangest of {count} {rows}, so that the real rate of false alarms may differ from it by a third or more{remedy}")
            : null;
    }

    private static void Check(ScoreArguments arguments, HashSet<string> include)
    {
        if (arguments.Alpha is { } alpha && !(alpha is > 0 and < 1))
            throw Invalid("alpha", "alpha must lie above 0 and below 1: it is the share of ordinary rows that may be called anomalies");
        if (arguments.Top is { } top && top < 1)
            throw Invalid("top", $"top must be 1 or more: it is the most features that a row is explained by; it is {top}");
        if (!include.Contains(Attribution) && (arguments.Top is not null ? "top" : arguments.Explain is not null ? "explain" : null) is { } unused)
            throw Invalid(unused, $"{unused} says something of the attribution, which is not asked for: add include: attribution");
        if (arguments.Explain == Explained.Flagged && arguments.Alpha is null)
            throw Invalid("explain", "explain: flagged explains the rows that alpha calls anomalies: give alpha");
        if (arguments.Missing == Missing.Marginalize && arguments.Score is not (null or ScoreKind.LogProb))
            throw Invalid("missing", "missing: marginalize averages densities, and a row that lacks values has no latent and no place: take score: log_prob");
        if (arguments.Score is not null && arguments.Alpha is null && !include.Overlaps([PValue, QValue, Severity]))
            throw Invalid("score", "score says what p-values are of, and none is asked for: add include: p_value, or alpha");
    }

    // A row that lacks values has a density alone.
    private static ScoreKind KindOf(ScoreArguments arguments, CalibrationSet calibration) =>
        arguments.Score ?? (arguments.Missing == Missing.Marginalize ? ScoreKind.LogProb : calibration.Usual);

    private static RowFault Invalid(string field, string detail) => new(RowFaultKind.InvalidArgument, detail) { Field = field };
}
