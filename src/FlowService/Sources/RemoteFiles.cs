using System.Net;
using System.Net.Http.Headers;

namespace FlowService.Sources;

/// <summary>Files of web servers, as streams. A token goes to the server that it was given for and to no other, wherever that one leads.</summary>
internal sealed class RemoteFiles(TimeProvider time) : IDisposable
{
    private const int MostRedirects = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpClient http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(15),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Opens a file; whoever reads it bounds it.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="token">The token of that server, or null.</param>
    /// <param name="unless">The tag with which its bytes are not asked for; or null.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="SourceException">The server cannot be reached, refuses, or leads to a place that is not safe.</exception>
    public async Task<OpenFile> OpenAsync(Uri address, string? token, string? unless, CancellationToken stop)
    {
        Uri asked = address;
        for (int hop = 0; hop <= MostRedirects; hop++)
        {
            HttpResponseMessage response = await SendAsync(asked, IsSameServer(asked, address) ? token : null, unless, stop);
            if (response.StatusCode is HttpStatusCode.OK)
                return new(await response.Content.ReadAsStreamAsync(stop), response.Headers.ETag?.ToString());
            using (response)
            {
                if (response.StatusCode is HttpStatusCode.NotModified && unless is not null)
                    return new(Stream.Null, unless);
                asked = response.Headers.Location is { } next && (int)response.StatusCode is 301 or 302 or 303 or 307 or 308
                    ? new Uri(asked, next)
                    : throw new SourceException($"{Shown(asked)} answers {(int)response.StatusCode}{Advice(response.StatusCode)}");
            }
            if (asked.Scheme is not ("http" or "https") || !SourceSettings.IsSafe(asked))
                throw new SourceException($"{Shown(address)} leads to {Shown(asked)}, which is not safe: https alone is followed");
        }
        throw new SourceException($"{Shown(address)} leads on more than {MostRedirects} times");
    }

    /// <summary>A short text file.</summary>
    public async Task<string> TextAsync(Uri address, string? token, int mostBytes, CancellationToken stop)
    {
        await using OpenFile file = await OpenAsync(address, token, unless: null, stop);
        byte[] bytes = new byte[mostBytes + 1];
        int read;
        try
        {
            read = await file.Bytes.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, stop).AsTask().WaitAsync(Patience, time, stop);
        }
        catch (Exception e) when (e is IOException or TimeoutException or HttpRequestException)
        {
            throw new SourceException($"{Shown(address)} broke off: {e.Message}", e);
        }
        return read <= mostBytes ? System.Text.Encoding.UTF8.GetString(bytes, 0, read) : throw new SourceException($"{Shown(address)} is longer than {mostBytes} bytes");
    }

    public void Dispose() => http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(Uri address, string? token, string? unless, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (unless is not null)
            request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Parse(unless));
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop).WaitAsync(Patience, time, stop);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException)
        {
            throw new SourceException($"{Shown(address)} cannot be reached: {e.GetBaseException().Message}", e);
        }
    }

    private static bool IsSameServer(Uri one, Uri other) => one.Scheme == other.Scheme && one.Authority == other.Authority;

    // A query may hold a signature: it is nobody else's business.
    private static string Shown(Uri address) => address.GetLeftPart(UriPartial.Path);

    private static string Advice(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => "; set the source's Token to one that may read it",
        HttpStatusCode.NotFound => "; look at the source's From",
        _ => "",
    };
}
