using System.Numerics;
using FlowCore;
using FlowRows.Buffers;
using FlowRows.Pictures;
using FlowRows.Scoring;
using FlowRows.Tables;

namespace FlowRows.Answers;

/// <summary>
/// One of the four operations: what goes in, what may be asked for, and which columns come out, in every format and by every program.
/// </summary>
/// <param name="Name">Its name in paths, commands and metrics.</param>
/// <param name="Input">What the rows of a body are: x, z, or the context of samples.</param>
/// <param name="Includes">What may be asked for by name.</param>
internal sealed record RowOperation(string Name, string Input, string[] Includes)
{
    private const string LogProbColumn = "log_prob", LogDetColumn = "log_det", LogQColumn = "log_q", NormColumn = "latent_norm2", BitsColumn = "bits_per_dim";

    public static readonly RowOperation
        LogProb = new("logprob", RowNames.X, [RowNames.Z, LogDetColumn, NormColumn, BitsColumn, InputComplexity.Column, .. ScoreRequest.Includes]),
        Score = LogProb with { Name = "score" },
        Encode = new("encode", RowNames.X, [LogDetColumn, LogProbColumn]),
        Decode = new("decode", RowNames.Z, [LogDetColumn, LogProbColumn]),
        Sample = new("sample", RowNames.Context, [RowNames.Z, LogProbColumn, LogQColumn]);

    // What pictures alone have is left out; made once, not for each request.
    private string[] OfOtherRows { get; } = [.. Includes.Where(name => name != InputComplexity.Column)];

    /// <summary>The names asked for; a name that the model does not offer is refused.</summary>
    public HashSet<string> Asked(IEnumerable<string>? include, FlowSpec spec, string model) => Asked(include, InputComplexity.Has(spec) ? Includes : OfOtherRows, model);

    /// <summary>The names asked for, of those <paramref name="offered"/>.</summary>
    public static HashSet<string> Asked(IEnumerable<string>? include, string[] offered, string model)
    {
        var asked = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in include ?? [])
            if (offered.Contains(name, StringComparer.Ordinal))
                asked.Add(name);
            else
                throw new RowFault(RowFaultKind.UnsupportedInclude,
                    $"include: '{name.Shown()}' is not available; model '{model}' offers {string.Join(", ", offered)} here")
                { Field = "include" };
        return asked;
    }

    /// <summary>Whether an answer has more of the rows than their densities.</summary>
    public bool KeepsValues(HashSet<string> include) => (this != LogProb && this != Score) || include.Contains(RowNames.Z) || include.Contains(NormColumn);

    /// <summary>The answer to some computed rows: its main column first. <paramref name="answer"/> brings the facts, <paramref name="x"/> are the rows that came in.</summary>
    public Answer<T> Fill<T>(Answer<T> answer, ReadOnlySpan<T> x, RowResults<T> results, FlowSpec spec, HashSet<string> include, RowPool pool)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (this == Encode || this == Decode)
        {
            _ = this == Encode ? answer.AddLatents(RowNames.Z, results.Values!, spec) : answer.AddData(RowNames.X, results.Values!, spec);
            answer.Add(LogDetColumn, results.LogDet);
            return include.Contains(LogProbColumn) ? answer.Add(LogProbColumn, results.LogProb) : answer;
        }
        if (this == Sample)
        {
            answer.AddData(RowNames.Samples, results.Values!, spec).Add(LogProbColumn, results.LogProb).Add(LogQColumn, results.LogQ!);
            return include.Contains(RowNames.Z) ? answer.AddLatents(RowNames.Z, results.Latents!, spec) : answer;
        }
        answer.Add(LogProbColumn, results.LogProb);
        if (include.Contains(RowNames.Z))
            answer.AddLatents(RowNames.Z, results.Values!, spec);
        if (include.Contains(LogDetColumn))
            answer.Add(LogDetColumn, results.LogDet);
        if (include.Contains(NormColumn))
            answer.AddDerived(NormColumn, Derived.SquaredNorms(results.Values!, spec.Width, pool));
        if (include.Contains(BitsColumn))
            answer.AddDerived(BitsColumn, Derived.BitsPerDim(results.LogProb, spec.Width, pool));
        if (include.Contains(InputComplexity.Column))
            answer.AddDerived(InputComplexity.Column, InputComplexity.Corrected(x, results.LogProb, spec, pool));
        return answer;
    }
}
