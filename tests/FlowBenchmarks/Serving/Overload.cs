using System.Diagnostics;
using System.Net;

namespace FlowBenchmarks.Serving;

/// <summary>What became of the requests that were sent at a rate.</summary>
/// <param name="Elapsed">From the first one to the last answer.</param>
/// <param name="Answered">The seconds that answers with 200 took, sorted.</param>
/// <param name="Refused">Those of answers with 429, sorted.</param>
/// <param name="Offered">The requests that were sent first, without those that were sent again.</param>
internal sealed record OverloadResult(TimeSpan Elapsed, double[] Answered, double[] Refused, int Offered)
{
    public double Goodput => Answered.Length / Elapsed.TotalSeconds;
}

/// <summary>Clients that ask at a rate of their own, whatever becomes of what they asked for, and ask again for what was refused.</summary>
internal static class Overload
{
    private const int MostTries = 5;

    /// <summary>Sends requests at a rate, from so many connections.</summary>
    /// <param name="port">The service's.</param>
    /// <param name="path">The operation.</param>
    /// <param name="type">The body's media type.</param>
    /// <param name="body">The body.</param>
    /// <param name="connections">The connections, and so the most requests under way.</param>
    /// <param name="perSecond">The rate of first tries.</param>
    /// <param name="duration">How long they are sent.</param>
    /// <param name="waits">Whether a refused one is sent again when Retry-After says, or at once.</param>
    public static async Task<OverloadResult> RunAsync(int port, string path, string type, byte[] body, int connections, double perSecond, TimeSpan duration, bool waits)
    {
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = connections }) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromMinutes(2) };
        using var slots = new SemaphoreSlim(connections);
        List<double> answered = [], refused = [];
        var asking = new List<Task>();
        var clock = Stopwatch.StartNew();
        int offered = 0;
        while (clock.Elapsed < duration)
        {
            // What is due by now leaves together: a timer is too coarse for each.
            for (int due = (int)(clock.Elapsed.TotalSeconds * perSecond); offered < due; offered++)
                asking.Add(AskAsync());
            await Task.Delay(1);
        }
        TimeSpan sending = clock.Elapsed;
        int inTime = answered.Count;
        await Task.WhenAll(asking);
        lock (answered)
            return new(sending, [.. answered.Take(inTime).Order()], [.. refused.Order()], offered);

        async Task AskAsync()
        {
            for (int attempt = 0; attempt < MostTries && clock.Elapsed < duration; attempt++)
            {
                await slots.WaitAsync();
                int seconds;
                try
                {
                    long began = Stopwatch.GetTimestamp();
                    using var content = new ByteArrayContent(body);
                    content.Headers.ContentType = new(type);
                    using HttpResponseMessage response = await http.PostAsync(path, content);
                    await response.Content.CopyToAsync(Stream.Null);
                    double took = Stopwatch.GetElapsedTime(began).TotalSeconds;
                    bool isAnswered = response.StatusCode == HttpStatusCode.OK;
                    if (!isAnswered && response.StatusCode != HttpStatusCode.TooManyRequests)
                        throw new InvalidOperationException($"status {(int)response.StatusCode}");
                    lock (answered)
                        (isAnswered ? answered : refused).Add(took);
                    if (isAnswered)
                        return;
                    seconds = (int)(response.Headers.RetryAfter?.Delta?.TotalSeconds ?? 1);
                }
                finally
                {
                    slots.Release();
                }
                if (waits)
                    await Task.Delay(TimeSpan.FromSeconds(seconds));
            }
        }
    }
}
