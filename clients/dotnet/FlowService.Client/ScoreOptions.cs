using System.Globalization;

namespace FlowService.Client;

/// <summary>What is wanted of rows' scores.</summary>
public sealed record ScoreOptions
{
    /// <summary>The share of ordinary rows that may be called anomalies.</summary>
    public double Alpha { get; init; } = 0.01;

    /// <summary>By how many features each anomaly is explained; 0 for none.</summary>
    public int Explain { get; init; }

    /// <summary>Whether q-values are wanted, for which the service reads all rows before it answers.</summary>
    public bool QValues { get; init; }

    /// <summary>Whether rows that lack values (NaN) are scored by averaging over what these may have been.</summary>
    public bool Marginalize { get; init; }

    /// <summary>What a conditional model is conditioned on: a row for each row, or one for all.</summary>
    public IReadOnlyList<float[]>? Context { get; init; }

    private string[] Include => [.. new[] { "p_value", "severity", QValues ? "q_value" : null, Explain > 0 ? "attribution" : null }.OfType<string>()];

    internal ScoreRequest Request(string? model, IReadOnlyList<float[]> rows) =>
        new(model, Alpha, Include, Explain > 0 ? Explain : null, Marginalize ? "marginalize" : null, Context, rows);

    internal string Query(string? model)
    {
        var query = new List<string> { string.Create(CultureInfo.InvariantCulture, $"alpha={Alpha}"), $"include={string.Join(',', Include)}" };
        if (model is not null)
            query.Add($"model={Uri.EscapeDataString(model)}");
        if (Explain > 0)
            query.Add(string.Create(CultureInfo.InvariantCulture, $"top={Explain}"));
        if (Marginalize)
            query.Add("missing=marginalize");
        return string.Join('&', query);
    }
}
