using System.CommandLine;
using FlowCore.Calibration;
using FlowRows.Scoring;

namespace FlowCli.Commands;

/// <summary>The options that say what is wanted of rows' scores: the fields that requests to the service have.</summary>
internal sealed class ScoreOptions
{
    public Option<double?> Alpha { get; } = CommonOptions.Positive(
        "--alpha", "Call a row an anomaly where its p-value is at most this; about this share of ordinary rows is called so, too.");

    public Option<ScoreKind?> Score { get; } = new("--score")
    {
        Description = "Which score p-values are of (default combined, log density and nearness to training rows, where the model has both; else log_prob).",
        HelpName = string.Join('|', ScoreRequest.Names),
        CustomParser = result => CommonOptions.OneOf(result, [.. ScoreRequest.Names.Select((name, kind) => (name, (ScoreKind?)kind))]),
    };

    public Option<int?> Top { get; } = CommonOptions.Count("--top", "The most features that a row is explained by (default 3). A model that has fewer names them all.");

    public Option<Explained?> Explain { get; } = new("--explain")
    {
        Description = "Which rows --include attribution explains: all (default), or flagged, those that --alpha calls anomalies.",
        HelpName = "all|flagged",
        CustomParser = result => CommonOptions.OneOf(result, ("all", (Explained?)Explained.All), ("flagged", Explained.Flagged)),
    };

    public Option<Missing> Missing { get; } = new("--missing")
    {
        Description = "What happens to a row that lacks values: refuse (default), or marginalize, which averages its density over what they may have been.",
        HelpName = "refuse|marginalize",
        CustomParser = result => CommonOptions.OneOf(result, ("refuse", FlowRows.Scoring.Missing.Refuse), ("marginalize", FlowRows.Scoring.Missing.Marginalize)),
    };

    public IEnumerable<Option> All => [Alpha, Score, Top, Explain, Missing];

    public ScoreArguments Of(ParseResult parsed) => new()
    {
        Alpha = parsed.GetValue(Alpha),
        Score = parsed.GetValue(Score),
        Top = parsed.GetValue(Top),
        Explain = parsed.GetValue(Explain),
        Missing = parsed.GetValue(Missing),
    };
}
