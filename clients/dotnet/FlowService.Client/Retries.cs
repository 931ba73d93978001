using System.Net;
using System.Text.Json;

namespace FlowService.Client;

/// <summary>Sends a request again where the service is busy or not ready, after the time that it asks for.</summary>
internal sealed class Retries
{
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromMinutes(1);

    public int Most { get; set; } = 5;

    /// <exception cref="FlowServiceException">The service refused the request, or could not answer it.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpClient http, Func<HttpRequestMessage> request, bool mayRepeat, TimeSpan timeout, CancellationToken cancellation)
    {
        for (int left = mayRepeat ? Most : 0; ; left--)
        {
            using HttpRequestMessage message = request();
            HttpResponseMessage response = await SendAsync(http, message, timeout, cancellation);
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
            {
                if (left <= 0 || response.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable))
                    throw await RefusalAsync(response, cancellation);
                TimeSpan wait = response.Headers.RetryAfter?.Delta ?? Usual;
                await Task.Delay(wait < Longest ? wait : Longest, cancellation);
            }
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, HttpRequestMessage message, TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            return await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TaskCanceledException($"the service has not answered within {timeout.TotalSeconds} s (FlowClient.Timeout)", new TimeoutException(e.Message, e));
        }
    }

    private static async Task<FlowServiceException> RefusalAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        string text = await response.Content.ReadAsStringAsync(cancellation);
        try
        {
            Problem? problem = JsonSerializer.Deserialize(text, FlowJson.Default.Problem);
            return new(response.StatusCode, problem?.Type, problem?.Detail ?? problem?.Title ?? response.ReasonPhrase ?? "no reason given");
        }
        catch (JsonException)
        {
            return new(response.StatusCode, null, response.ReasonPhrase ?? "no reason given");
        }
    }
}
