using FlowService.Errors;
using FlowService.Limits;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace FlowService.OpenInference.Grpc;

/// <summary>
/// Calls whose message cannot be read. The library fails on them before any interceptor, with UNKNOWN or INTERNAL, as if the service were at
/// fault; they are refused as what they are, in words.
/// </summary>
internal static class MalformedCalls
{
    private const string StatusName = "grpc-status", MessageName = "grpc-message";

    private const string Words = "the message cannot be read: its protobuf is malformed, or its frame is not the one message of this call "
        + "(one byte for the compression, four for the length, then that many bytes)";

    private static readonly string TooLarge = $"{(int)StatusCode.ResourceExhausted}";

    /// <summary>Gives the calls of a service that no handler has seen their status.</summary>
    public static void RefuseMalformed(this IEndpointConventionBuilder service) => service.Add(endpoint =>
    {
        RequestDelegate call = endpoint.RequestDelegate!;
        endpoint.RequestDelegate = async http =>
        {
            await call(http);
            if (http.Features.Get<HandledCall>() is null && !http.RequestAborted.IsCancellationRequested)
                Refuse(http);
        };
    });

    /// <summary>The message of a call has been read: what comes now is no fault of its bytes.</summary>
    public static void MarkHandled(ServerCallContext context) => context.GetHttpContext().Features.Set(HandledCall.Mark);

    private static void Refuse(HttpContext http)
    {
        HttpResponse response = http.Response;
        IHeaderDictionary? place = response.HasStarted ? http.Features.Get<IHttpResponseTrailersFeature>()?.Trailers : response.Headers;
        if (place is null || !place.TryGetValue(StatusName, out var status) || !IsFaultOfBytes(status))
            return;
        bool isLarge = status == TooLarge;
        place[StatusName] = isLarge ? TooLarge : $"{(int)StatusCode.InvalidArgument}";
        place[MessageName] = isLarge ? LargeWords(http) : Words;
        http.RequestServices.GetRequiredService<ILogger<StatusInterceptor>>().RequestRefused(http.Request.Path, isLarge ? StatusCodes.Status413PayloadTooLarge : StatusCodes.Status400BadRequest, null);
    }

    private static string LargeWords(HttpContext http) =>
        $"the message is larger than {http.RequestServices.GetRequiredService<IOptions<LimitsOptions>>().Value.BodyBytes} bytes; send fewer rows at once, or raise Limits:BodyBytes";

    private static bool IsFaultOfBytes(string? status) => status == TooLarge || status == $"{(int)StatusCode.Unknown}" || status == $"{(int)StatusCode.Internal}";

    private sealed class HandledCall
    {
        public static readonly HandledCall Mark = new();
    }
}
