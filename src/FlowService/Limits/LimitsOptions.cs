using FlowRows;
using Microsoft.Extensions.Options;

namespace FlowService.Limits;

/// <summary>The section <c>Limits</c>: what one request may ask for.</summary>
internal sealed class LimitsOptions
{
    public const string Section = "Limits";

    /// <summary>The most that <see cref="StreamRows"/> may be.</summary>
    public const long MostStreamRows = 1L << 50;

    /// <summary>The largest body in bytes (default 64 MiB).</summary>
    /// <remarks>JSON bodies are larger; a proxy before the service must allow as much.</remarks>
    [Within(1024L, 1L << 40, ErrorMessage = "Limits:BodyBytes must be 1024 or more: it is the largest request body in bytes (default 67108864).")]
    public long BodyBytes { get; set; } = 64 << 20;

    /// <summary>The largest body in bytes that is read row by row: NumPy, CSV or Arrow, decompressed (default 16 GiB).</summary>
    [Within(1024L, 1L << 50, ErrorMessage = "Limits:StreamBytes must be 1024 or more: it is the largest body of NumPy, CSV or Arrow rows in bytes (default 17179869184).")]
    public long StreamBytes { get; set; } = 16L << 30;

    /// <summary>The most rows in or out of one request whose body and answer are NumPy, CSV or Arrow (default 1000000000).</summary>
    [Within(1L, MostStreamRows, ErrorMessage = "Limits:StreamRows must be 1 or more: it is the most rows of a body or an answer of NumPy, CSV or Arrow rows (default 1000000000).")]
    public long StreamRows { get; set; } = 1_000_000_000;

    /// <summary>The most rows in one JSON request, or in one whose answer is JSON (default 100000).</summary>
    [Within(1, int.MaxValue, ErrorMessage = "Limits:RowsPerRequest must be 1 or more: it is the most rows in one request (default 100000).")]
    public int RowsPerRequest { get; set; } = 100_000;

    /// <summary>The most samples that one request may draw (default 100000).</summary>
    [Within(1, int.MaxValue, ErrorMessage = "Limits:SamplesPerRequest must be 1 or more: it is the most samples in one request (default 100000).")]
    public int SamplesPerRequest { get; set; } = 100_000;

    /// <summary>The most values, rows times features, that a request may bring or its answer hold (default 16777216: 64 MiB).</summary>
    [Within(1, 1 << 29, ErrorMessage = "Limits:ValuesPerRequest must lie in 1..536870912: it is the most values (rows times features) in one request or answer (default 16777216).")]
    public int ValuesPerRequest { get; set; } = 1 << 24;

    /// <summary>The most connections at a time (default 10000); more are closed at once.</summary>
    /// <remarks>There are more clients than that, each with its own connection.</remarks>
    [Within(1, 1 << 20, ErrorMessage = "Limits:Connections must lie in 1..1048576: it is the most connections at a time (default 10000).")]
    public int Connections { get; set; } = 10_000;

    /// <summary>The most requests at a time on one connection of HTTP/2, gRPC's too (default 100).</summary>
    [Within(1, 65535, ErrorMessage = "Limits:StreamsPerConnection must lie in 1..65535: it is the most requests at a time on one connection of HTTP/2 (default 100).")]
    public int StreamsPerConnection { get; set; } = 100;

    /// <summary>The most bytes of a request's headers (default 32768).</summary>
    [Within(1024, 1 << 24, ErrorMessage = "Limits:HeaderBytes must lie in 1024..16777216: it is the most bytes of a request's headers (default 32768).")]
    public int HeaderBytes { get; set; } = 32 << 10;

    /// <summary>The seconds in which a client must have sent a request's headers, or is cut off (default 30).</summary>
    [Within(0.1, 3600, ErrorMessage = "Limits:HeaderSeconds must lie in 0.1..3600: in that time a client must have sent a request's headers (default 30).")]
    public double HeaderSeconds { get; set; } = 30;

    /// <summary>The bytes in a second that a client must send and take at least, five seconds after it began, or is cut off (default 240); 0: it may be as slow as it likes.</summary>
    /// <remarks>Clients on very slow lines are cut off: lower it. Slow clients hold many connections: raise it.</remarks>
    [Within(0, 1 << 30, ErrorMessage = "Limits:BytesPerSecond must lie in 0..1073741824: a client that sends or takes less is cut off (default 240; 0 for never).")]
    public double BytesPerSecond { get; set; } = 240;

    /// <summary>The refusals for a full queue in a second, for each processor (default 500); more of them wait their turn, so that answers keep the processors.</summary>
    /// <remarks>Processors are idle while it refuses, and clients shall be told sooner: raise it.</remarks>
    [Within(0.001, 1_000_000, ErrorMessage = "Limits:RefusalsPerSecond must lie in 0.001..1000000: so many requests a second are refused for a full queue, for each processor (default 500).")]
    public double RefusalsPerSecond { get; set; } = 500;

    /// <summary>What holds for the readers of rows.</summary>
    public RowLimits ForRows => new(BodyBytes, StreamBytes, StreamRows, RowsPerRequest, ValuesPerRequest);
}

[OptionsValidator]
internal sealed partial class LimitsOptionsValidator : IValidateOptions<LimitsOptions>;
