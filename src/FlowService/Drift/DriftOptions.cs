using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.Drift;

/// <summary>The section <c>Drift</c>: by what it is judged whether the world is still that of the calibration rows.</summary>
internal sealed class DriftOptions
{
    public const string Section = "Drift";

    /// <summary>The last rows of each calibrated model that are compared with its calibration (default 200); 0: none are.</summary>
    /// <remarks>Smaller changes shall be found, later: 1000 rows find shifts half as large. Memory is short: a row takes a byte a column.</remarks>
    [Within(0, 1 << 20, ErrorMessage = "Drift:WindowRows must lie in 0..1048576: so many of the last rows of a model are compared with its calibration; 0 compares none (default 200).")]
    public int WindowRows { get; set; } = 200;
}

[OptionsValidator]
internal sealed partial class DriftOptionsValidator : IValidateOptions<DriftOptions>;
