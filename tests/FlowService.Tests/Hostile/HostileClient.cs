using System.Net;
using System.Text;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Hostile;

/// <summary>A client that sends what it should not, and holds every answer to its form.</summary>
internal sealed class HostileClient : IDisposable
{
    private const int Parallel = 8;

    private readonly HttpClient rest, grpc;

    public HostileClient(Uri address, Uri grpcAddress)
    {
        // Longer than any answer takes; shorter than the patience of a person.
        TimeSpan timeout = TimeSpan.FromSeconds(60);
        rest = new(new SocketsHttpHandler()) { BaseAddress = address, Timeout = timeout };
        grpc = new(new SocketsHttpHandler()) { BaseAddress = grpcAddress, Timeout = timeout };
    }

    /// <summary>The answer that a good request has, whatever came before it.</summary>
    public async Task<byte[]> GoodAsync(Subject subject)
    {
        Verdict verdict = await SendAsync(subject, subject.Body);
        Assert.True(verdict.IsGood, $"{subject}: {verdict}");
        return verdict.Body;
    }

    /// <summary>Sends bodies, several at once; the number of those that were refused.</summary>
    public async Task<int> SendAllAsync(Subject subject, IEnumerable<byte[]> bodies, bool allRefused = false)
    {
        int refused = 0;
        await System.Threading.Tasks.Parallel.ForEachAsync(bodies, new ParallelOptions { MaxDegreeOfParallelism = Parallel }, async (body, _) =>
        {
            Verdict verdict = await SendAsync(subject, body);
            Assert.True(verdict.IsGood ? !allRefused : verdict.IsRefused, $"{subject}: {verdict} to {Shown(body)}");
            Interlocked.Add(ref refused, verdict.IsGood ? 0 : 1);
        });
        return refused;
    }

    public async Task<Verdict> SendAsync(Subject subject, byte[] body)
    {
        try
        {
            using HttpRequestMessage request = subject.Request(body);
            using HttpResponseMessage response = await (subject.IsGrpc ? grpc : rest).SendAsync(request);
            byte[] answer = await response.Content.ReadAsByteArrayAsync();
            return subject.IsGrpc ? OfGrpc(response, answer) : OfHttp(subject, response, answer);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
        {
            throw new InvalidOperationException($"{subject}: {e.Message} {e.InnerException?.Message} to {Shown(body)}", e);
        }
    }

    public void Dispose()
    {
        rest.Dispose();
        grpc.Dispose();
    }

    private static Verdict OfHttp(Subject subject, HttpResponseMessage response, byte[] answer)
    {
        int status = (int)response.StatusCode;
        bool isForm = status is >= 400 and < 500 && (subject.Path.StartsWith("/v2", StringComparison.Ordinal) ? IsV2(response, answer) : IsProblem(response, answer, status));
        return new(status == 200, isForm, $"{status} {(status == 200 ? "" : Encoding.UTF8.GetString(answer))}", answer);
    }

    private static bool IsProblem(HttpResponseMessage response, byte[] answer, int status)
    {
        if (response.Content.Headers.ContentType?.MediaType != "application/problem+json")
            return false;
        using JsonDocument problem = JsonDocument.Parse(answer);
        JsonElement root = problem.RootElement;
        return root.GetProperty("status").GetInt32() == status && root.Type().Length > 0 && root.Detail().Length > 0 && answer.Length < 2000;
    }

    private static bool IsV2(HttpResponseMessage response, byte[] answer)
    {
        if (response.Content.Headers.ContentType?.ToString() != "application/json")
            return false;
        using JsonDocument error = JsonDocument.Parse(answer);
        return error.RootElement.EnumerateObject().Select(property => property.Name).SequenceEqual(["error"]) && answer.Length < 2000;
    }

    // A refusal is in the headers where nothing else was sent, else in the trailers.
    private static Verdict OfGrpc(HttpResponseMessage response, byte[] answer)
    {
        string Of(string name) => (response.Headers.TryGetValues(name, out var values) || response.TrailingHeaders.TryGetValues(name, out values))
            ? string.Join(',', values) : "";
        string status = Of("grpc-status"), message = Uri.UnescapeDataString(Of("grpc-message"));
        // INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED, UNIMPLEMENTED (a coding): each says that the request is at fault.
        bool isRefused = response.StatusCode == HttpStatusCode.OK && status is "3" or "5" or "8" or "12" && message.Length > 10;
        return new(status == "0", isRefused, $"{(int)response.StatusCode}, gRPC status {status}: {message}", answer);
    }

    private static string Shown(byte[] body) => body.Length > 2000 ? $"{body.Length} bytes" : $"{Convert.ToBase64String(body)} ({Encoding.Latin1.GetString(body)})";
}

/// <summary>What an answer is: good, refused in the right form, or neither.</summary>
internal sealed record Verdict(bool IsGood, bool IsRefused, string Words, byte[] Body)
{
    public override string ToString() => Words;
}
