namespace FlowRows.Scoring;

/// <summary>What <c>/score</c> and <c>flow score</c> answer where nobody says otherwise.</summary>
internal static class ScoreDefaults
{
    /// <summary>The share of ordinary rows that may be called anomalies.</summary>
    public const double Alpha = 0.01;

    /// <param name="include">What is asked for by name; null where nothing was said.</param>
    /// <param name="arguments">What was said of the scores.</param>
    /// <param name="explains">Whether anomalies are to be explained.</param>
    /// <param name="whole">Whether all rows are here, which q-values need.</param>
    public static (HashSet<string> Include, ScoreArguments Arguments) Of(IReadOnlyCollection<string>? include, ScoreArguments arguments, bool explains = false, bool whole = true)
    {
        var names = new HashSet<string>(include ?? (whole ? [ScoreRequest.PValue, ScoreRequest.QValue] : [ScoreRequest.PValue]), StringComparer.Ordinal);
        if (explains)
            names.Add(ScoreRequest.Attribution);
        return (names, arguments with
        {
            Alpha = arguments.Alpha ?? Alpha,
            Explain = names.Contains(ScoreRequest.Attribution) ? arguments.Explain ?? Explained.Flagged : arguments.Explain,
        });
    }
}
