using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.Batching;

/// <summary>
/// The section <c>Batching</c>: how requests wait for a model and share its batches. <c>Models:Overrides:NAME</c> says otherwise for
/// one model.
/// </summary>
internal sealed class BatchingOptions
{
    public const string Section = "Batching";

    /// <summary>The most rows in one batch (default 4096). A larger request is computed in slices of at most this many.</summary>
    /// <remarks>Single requests wait behind large batches: lower it.</remarks>
    [Within(1, 1 << 20, ErrorMessage = "Batching:BatchRows must lie in 1..1048576: it is the most rows in one batch (default 4096).")]
    public int BatchRows { get; set; } = 4096;

    /// <summary>The most rows that wait for one model (default 262144). Beyond it requests are refused with 429.</summary>
    /// <remarks>Clients are refused with 429 though they would wait: raise it. They wait longer than they can use an answer: lower it, to about the rows of DeadlineSeconds.</remarks>
    [Within(1, 1 << 30, ErrorMessage = "Batching:QueueRows must be 1 or more: it is the most rows that wait for one model (default 262144).")]
    public int QueueRows { get; set; } = 1 << 18;

    /// <summary>The most rows in one batch where a GPU computes the model (default 65536).</summary>
    /// <remarks>Single requests wait behind large batches: lower it.</remarks>
    [Within(1, 1 << 20, ErrorMessage = "Batching:GpuBatchRows must lie in 1..1048576: it is the most rows in one batch on a GPU (default 65536).")]
    public int GpuBatchRows { get; set; } = 1 << 16;

    /// <summary>The time in microseconds that a batch which is not full waits for more requests (default 0: it leaves at once).</summary>
    /// <remarks>Batches stay small on a GPU though many clients ask: some hundreds. On the CPU it gains nothing.</remarks>
    [Within(0, 10_000_000, ErrorMessage = "Batching:DelayMicroseconds must lie in 0..10000000: how long a batch that is not full waits for more requests (default 0).")]
    public int DelayMicroseconds { get; set; }

    /// <summary>The time in seconds after which a request that names no timeout is given up with 504 (default 30).</summary>
    /// <remarks>Clients give up earlier: set it to their patience, so that nothing is computed for nobody.</remarks>
    [Within(0.001, 86400, ErrorMessage = "Batching:DeadlineSeconds must lie in 0.001..86400: a request that names no timeout_ms is given up after it (default 30).")]
    public double DeadlineSeconds { get; set; } = 30;

    /// <summary>The longest timeout in seconds that a request may name (default 300).</summary>
    [Within(0.001, 86400, ErrorMessage = "Batching:MaxDeadlineSeconds must lie in 0.001..86400: it is the longest timeout_ms that a request may name (default 300).")]
    public double MaxDeadlineSeconds { get; set; } = 300;

    /// <summary>The settings of a model that a device computes.</summary>
    public BatchingOptions On(string device)
    {
        var own = (BatchingOptions)MemberwiseClone();
        own.BatchRows = device == "cpu" ? BatchRows : GpuBatchRows;
        return own;
    }
}

[OptionsValidator]
internal sealed partial class BatchingOptionsValidator : IValidateOptions<BatchingOptions>;

/// <summary>What must hold between the limits: a request that is within its own limit must fit into an empty queue.</summary>
internal sealed class BatchingFitsLimits(IOptions<LimitsOptions> limits) : IValidateOptions<BatchingOptions>
{
    public ValidateOptionsResult Validate(string? name, BatchingOptions options)
    {
        int largest = LargestRequest();
        if (options.QueueRows < largest)
            return ValidateOptionsResult.Fail(
                $"Batching:QueueRows is {options.QueueRows}, but one request may have {largest} rows and could never be accepted: "
                + "raise Batching:QueueRows, or lower Limits:RowsPerRequest and Limits:SamplesPerRequest.");
        if (options.DeadlineSeconds > options.MaxDeadlineSeconds)
            return ValidateOptionsResult.Fail(
                $"Batching:DeadlineSeconds is {options.DeadlineSeconds}, more than Batching:MaxDeadlineSeconds ({options.MaxDeadlineSeconds}): "
                + "lower the first or raise the second.");
        return ValidateOptionsResult.Success;
    }

    private int LargestRequest()
    {
        try
        {
            return Math.Max(limits.Value.RowsPerRequest, limits.Value.SamplesPerRequest);
        }
        catch (OptionsValidationException)
        {
            return 0; // limits that are wrong themselves are reported by their own validator
        }
    }
}
