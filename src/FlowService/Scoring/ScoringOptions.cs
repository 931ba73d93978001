using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.Scoring;

/// <summary>The section <c>Scoring</c>: what explaining rows may cost.</summary>
internal sealed class ScoringOptions
{
    public const string Section = "Scoring";

    /// <summary>The most evaluations of a model by which the rows of one request, or of one part of a stream, are explained (default 8388608).</summary>
    [Within(1, int.MaxValue, ErrorMessage = "Scoring:Evaluations must be 1 or more: it is the most evaluations of a model (rows times features times 16) "
        + "by which the rows of one request, or of one part of a stream, are explained (default 8388608).")]
    public int Evaluations { get; set; } = 1 << 23;
}

[OptionsValidator]
internal sealed partial class ScoringOptionsValidator : IValidateOptions<ScoringOptions>;
