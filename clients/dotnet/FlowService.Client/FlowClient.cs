using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace FlowService.Client;

/// <summary>Asks one service for scores, samples and latents. It may be used by any number of threads.</summary>
/// <param name="http">Where the service is, as its base address; its owner disposes of it.</param>
public sealed class FlowClient(HttpClient http)
{
    private readonly Retries retries = new();

    /// <param name="url">The service's address, for example http://localhost:8080.</param>
    /// <param name="key">The caller's key or token, where the service needs one.</param>
    public FlowClient(string url, string? key = null) : this(Connection(url, key)) => Timeout = TimeSpan.FromSeconds(100);

    /// <summary>The model that is asked where a call names no other; may be left out where the service has one.</summary>
    public string? Model { get; init; }

    /// <summary>How often a call is tried again where the service is busy (429) or not ready (503), as long after as it says. Default 5.</summary>
    public int MostRetries { get => retries.Most; init => retries.Most = value; }

    /// <summary>
    /// How long the service may take to answer rows; 100 s where this made its own connection, else what the connection says. A table takes as long as it
    /// needs, on a connection of this client's own; its cancellation ends it.
    /// </summary>
    public TimeSpan Timeout { get; init; } = System.Threading.Timeout.InfiniteTimeSpan;

    /// <summary>Says which rows are anomalies, and why.</summary>
    /// <param name="rows">Rows of as many numbers as the model has features.</param>
    /// <param name="options">What is wanted; by default p-values and decisions at alpha 0.01.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="FlowServiceException">The service refused the rows, or could not answer.</exception>
    public Task<ScoreAnswer> ScoreAsync(IReadOnlyList<float[]> rows, ScoreOptions? options = null, CancellationToken cancellation = default) =>
        AskAsync("score", (options ?? new()).Request(Model, rows), FlowJson.Default.ScoreRequest, FlowJson.Default.ScoreAnswer, cancellation);

    /// <summary>The log density of each row, in nats.</summary>
    /// <param name="rows">Rows of as many numbers as the model has features.</param>
    /// <param name="context">What a conditional model is conditioned on: a row for each row, or one for all.</param>
    /// <param name="size">Height and width of the images that rows are, of a model that takes several sizes; by default its own.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<LogProbAnswer> LogProbAsync(
        IReadOnlyList<float[]> rows, IReadOnlyList<float[]>? context = null, (int Height, int Width)? size = null, CancellationToken cancellation = default) =>
        AskAsync("logprob", new RowsRequest(Model, rows, null, context, Sides(size)), FlowJson.Default.RowsRequest, FlowJson.Default.LogProbAnswer, cancellation);

    /// <summary>Draws rows from the model.</summary>
    /// <param name="count">How many; for a conditional model, for each context.</param>
    /// <param name="seed">The same seed gives the same rows; by default one is drawn, and returned.</param>
    /// <param name="temperature">Scales the noise: below 1 gives likelier rows.</param>
    /// <param name="context">What a conditional model is conditioned on.</param>
    /// <param name="size">Height and width of the images that are drawn, of a model that takes several sizes; by default its own.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<SampleAnswer> SampleAsync(
        int count, ulong? seed = null, double? temperature = null, IReadOnlyList<float[]>? context = null, (int Height, int Width)? size = null,
        CancellationToken cancellation = default) =>
        AskAsync("sample", new SampleRequest(Model, count, seed, temperature, context, Sides(size)), FlowJson.Default.SampleRequest, FlowJson.Default.SampleAnswer, cancellation);

    /// <summary>The latent of each row. The size is that of the images that rows are.</summary>
    public Task<EncodeAnswer> EncodeAsync(
        IReadOnlyList<float[]> rows, IReadOnlyList<float[]>? context = null, (int Height, int Width)? size = null, CancellationToken cancellation = default) =>
        AskAsync("encode", new RowsRequest(Model, rows, null, context, Sides(size)), FlowJson.Default.RowsRequest, FlowJson.Default.EncodeAnswer, cancellation);

    /// <summary>The row of each latent. The size is that of the images that rows are.</summary>
    public Task<DecodeAnswer> DecodeAsync(
        IReadOnlyList<float[]> latents, IReadOnlyList<float[]>? context = null, (int Height, int Width)? size = null, CancellationToken cancellation = default) =>
        AskAsync("decode", new RowsRequest(Model, null, latents, context, Sides(size)), FlowJson.Default.RowsRequest, FlowJson.Default.DecodeAnswer, cancellation);

    /// <summary>Scores a table of any size into another, in bounded memory.</summary>
    /// <param name="rows">The table. Where it can seek, a busy service is asked again.</param>
    /// <param name="format">Its format.</param>
    /// <param name="scored">Where the table with its scores goes.</param>
    /// <param name="options">What is wanted.</param>
    /// <param name="scoredFormat">The format of the answer; by default that of the table.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task ScoreAsync(
        Stream rows, TableFormat format, Stream scored, ScoreOptions? options = null, TableFormat? scoredFormat = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(scored);
        if (options?.Context is not null)
            throw new ArgumentException("a table has columns of context; leave Context out", nameof(options));
        long start = rows.CanSeek ? rows.Position : 0;
        using HttpResponseMessage response = await retries.SendAsync(http, () =>
        {
            if (rows.CanSeek)
                rows.Position = start;
            var request = new HttpRequestMessage(HttpMethod.Post, At($"score?{(options ?? new()).Query(Model)}")) { Content = new StreamContent(new KeptOpen(rows)) };
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(format.MediaType());
            request.Headers.Accept.ParseAdd((scoredFormat ?? format).MediaType());
            return request;
        }, mayRepeat: rows.CanSeek, System.Threading.Timeout.InfiniteTimeSpan, cancellation);
        await using Stream answer = await response.Content.ReadAsStreamAsync(cancellation);
        await answer.CopyToAsync(scored, cancellation);
    }

    private async Task<TAnswer> AskAsync<TRequest, TAnswer>(
        string path, TRequest request, JsonTypeInfo<TRequest> requestType, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellation)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(request, requestType);
        using HttpResponseMessage response = await retries.SendAsync(http, () =>
        {
            var message = new HttpRequestMessage(HttpMethod.Post, At(path)) { Content = new ByteArrayContent(body) };
            message.Content.Headers.ContentType = new("application/json");
            return message;
        }, mayRepeat: true, Timeout, cancellation);
        await using Stream answer = await response.Content.ReadAsStreamAsync(cancellation);
        try
        {
            return (await JsonSerializer.DeserializeAsync(answer, answerType, cancellation))!;
        }
        catch (JsonException)
        {
            throw new FlowServiceException(response.StatusCode, null, $"the answer is none of FlowService's; is {http.BaseAddress} its address?");
        }
    }

    private static int[]? Sides((int Height, int Width)? size) => size is { } sides ? [sides.Height, sides.Width] : null;

    // Behind an address that ends without a slash too.
    private Uri At(string path) => http.BaseAddress is { } address && !address.AbsolutePath.EndsWith('/')
        ? new Uri(new Uri($"{address.GetLeftPart(UriPartial.Path)}/"), path) : new Uri(path, UriKind.Relative);

    private static HttpClient Connection(string url, string? key)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
            throw new ArgumentException($"'{url}' is no address of a service; it begins with http:// or https://", nameof(url));
        var http = new HttpClient { BaseAddress = address, Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        if (key is not null)
            http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        return http;
    }
}
