using System.Globalization;

namespace FlowService.Telemetry;

/// <summary>
/// The stages of a request. Read: from its first byte to its entry into the queue. Queue: to its first batch. Compute: to its results.
/// Write: from there to the answer's end, or where that is asked earlier, to that moment. Of a stream, queue and compute are sums over its parts,
/// which overlap.
/// </summary>
internal readonly record struct RequestTimes(TimeSpan Read, TimeSpan Queue, TimeSpan Compute, TimeSpan Write, bool IsComputed)
{
    /// <summary>The header Server-Timing, in milliseconds.</summary>
    public string ToHeader() => IsComputed
        ? string.Create(CultureInfo.InvariantCulture,
            $"read;dur={Read.TotalMilliseconds:0.###}, queue;dur={Queue.TotalMilliseconds:0.###}, compute;dur={Compute.TotalMilliseconds:0.###}, write;dur={Write.TotalMilliseconds:0.###}")
        : string.Create(CultureInfo.InvariantCulture, $"read;dur={Read.TotalMilliseconds:0.###}");
}
