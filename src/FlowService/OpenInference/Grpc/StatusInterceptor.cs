using System.Diagnostics;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Models;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Mvc;

namespace FlowService.OpenInference.Grpc;

/// <summary>Keeps calls out while the service does not take them, and gives each failure its status.</summary>
internal sealed class StatusInterceptor(ServiceGate gate, RefusalPace pace, ILogger<StatusInterceptor> logger) : Interceptor
{
    private static readonly string[] Ungated =
        [nameof(InferenceService.ServerLive), nameof(InferenceService.ServerReady), nameof(InferenceService.ServerMetadata),
        nameof(InferenceService.ModelReady), nameof(HealthService.Check), nameof(HealthService.Watch)];

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, () => continuation(request, context));

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, async () =>
        {
            await continuation(requestStream, responseStream, context);
            return true;
        });

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, async () =>
        {
            await continuation(request, responseStream, context);
            return true;
        });

    /// <summary>The status of a failure. Words of others, libtorch's say, stay in the log.</summary>
    public static Status StatusOf(Exception exception, ServerCallContext context, ILogger logger)
    {
        if (context.CancellationToken.IsCancellationRequested)
            return new(StatusCode.Cancelled, "the call was cancelled, or its deadline has passed");
        if (exception is InvalidProtocolBufferException or InvalidDataException) // of its protobuf, or of its frame
            return new(StatusCode.InvalidArgument, $"a message of the stream cannot be read: {exception.Message}");
        ProblemDetails problem = ProblemMapping.ToProblem(exception);
        if (problem.Status >= 500 && exception is not RequestException)
        {
            logger.RequestFailed(context.Method, exception);
            return new(StatusCode.Internal, $"{problem.Detail} ({Activity.Current?.TraceId})");
        }
        logger.RequestRefused(context.Method, problem.Status ?? 0, problem.Type);
        return new(CodeOf(problem.Status), problem.Detail ?? problem.Title ?? "");
    }

    /// <summary>The code for the status that the same failure has by HTTP.</summary>
    public static StatusCode CodeOf(int? status) => status switch
    {
        StatusCodes.Status401Unauthorized => StatusCode.Unauthenticated,
        StatusCodes.Status403Forbidden => StatusCode.PermissionDenied,
        StatusCodes.Status404NotFound => StatusCode.NotFound,
        StatusCodes.Status429TooManyRequests => StatusCode.ResourceExhausted,
        StatusCodes.Status503ServiceUnavailable => StatusCode.Unavailable,
        StatusCodes.Status504GatewayTimeout => StatusCode.DeadlineExceeded,
        >= 500 => StatusCode.Internal,
        _ => StatusCode.InvalidArgument,
    };

    private async Task<T> GuardAsync<T>(ServerCallContext context, Func<Task<T>> call)
    {
        MalformedCalls.MarkHandled(context);
        try
        {
            if (!Array.Exists(Ungated, name => context.Method.EndsWith("/" + name, StringComparison.Ordinal)))
                gate.Check();
            using (gate.Cut.UnsafeRegister(static http => ((HttpContext)http!).Abort(), context.GetHttpContext()))
                return await call();
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Internal)
        {
            // The library's own: a frame of a stream that does not hold what it says.
            throw new RpcException(new(StatusCode.InvalidArgument, e.Status.Detail));
        }
        catch (Exception e) when (e is not RpcException)
        {
            await pace.TurnAsync(e, context.CancellationToken);
            Status status = StatusOf(e, context, logger);
            throw e is RequestException { RetryAfter: { } seconds } ? RetryAdvice.ToException(status, seconds) : new RpcException(status);
        }
    }
}
