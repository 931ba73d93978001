using System.Threading.RateLimiting;
using FlowService.Errors;

namespace FlowService.Security;

/// <summary>
/// Each key's rows in a minute, as a bucket that holds a minute's worth and fills evenly. The rows of a request, or of a part of a stream, are
/// taken before they are queued.
/// </summary>
internal sealed class RowQuotas : IDisposable
{
    private const int SecondsOfMinute = 60;

    private readonly PartitionedRateLimiter<Caller> limiter = PartitionedRateLimiter.Create<Caller, (string, int)>(caller =>
        RateLimitPartition.GetTokenBucketLimiter((caller.Name, caller.RowsPerMinute), static key => Bucket(key.Item2)));

    /// <summary>Takes a request's rows out of its caller's quota.</summary>
    /// <exception cref="RequestException">413 where they are more than a minute's, 429 where they are more than what is left.</exception>
    public void Take(HttpContext http, int rows)
    {
        if (http.Features.Get<Caller>() is not { RowsPerMinute: > 0 } caller || rows == 0)
            return;
        if (rows > caller.RowsPerMinute)
            throw new RequestException(ProblemKind.TooManyRows, $"the request has {rows} rows, and this key may send {caller.RowsPerMinute} in a minute (RowsPerMinute); send fewer at once");
        using RateLimitLease lease = limiter.AttemptAcquire(caller, rows);
        if (lease.IsAcquired)
            return;
        int seconds = lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan wait) ? Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)) : 1;
        throw new RequestException(ProblemKind.QuotaSpent, $"this key may send {caller.RowsPerMinute} rows in a minute (RowsPerMinute), and {rows} more are too many now; try again in {seconds} s") { RetryAfter = seconds };
    }

    public void Dispose() => limiter.Dispose();

    private static TokenBucketRateLimiterOptions Bucket(int rowsPerMinute)
    {
        int seconds = rowsPerMinute >= SecondsOfMinute ? 1 : SecondsOfMinute / rowsPerMinute;
        return new()
        {
            TokenLimit = rowsPerMinute,
            TokensPerPeriod = Math.Max(1, rowsPerMinute * seconds / SecondsOfMinute),
            ReplenishmentPeriod = TimeSpan.FromSeconds(seconds),
            QueueLimit = 0,
        };
    }
}
