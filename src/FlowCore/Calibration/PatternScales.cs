using System.Collections.Concurrent;

namespace FlowCore.Calibration;

/// <summary>
/// The calibrations of rows that lack the same columns, as far as somebody has asked for them: each takes thousands of evaluations of the
/// model, and is the same whenever it is made. Any thread may ask.
/// </summary>
public sealed class PatternScales
{
    /// <summary>The most that are remembered; then all are forgotten.</summary>
    public const int Most = 1024;

    private readonly ConcurrentDictionary<string, ConformalScale> scales = new(StringComparer.Ordinal);

    /// <summary>The name of a pattern, by the columns that are missing.</summary>
    public static string NameOf(IEnumerable<int> lacking) => string.Join(',', lacking);

    /// <summary>The calibration of a pattern; null where it is not known.</summary>
    public ConformalScale? Of(string pattern) => scales.GetValueOrDefault(pattern);

    /// <summary>Remembers the calibration of a pattern.</summary>
    public void Add(string pattern, ConformalScale scale)
    {
        if (scales.Count >= Most)
            scales.Clear();
        scales[pattern] = scale;
    }
}
