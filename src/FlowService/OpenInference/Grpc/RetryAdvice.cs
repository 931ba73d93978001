using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Status = Grpc.Core.Status;

namespace FlowService.OpenInference.Grpc;

/// <summary>
/// When a refused call may be tried again, in the two forms that stock clients read: the pushback, which takes the place of the delay
/// in a channel's retry policy, and google.rpc.RetryInfo among the details of the status.
/// </summary>
internal static class RetryAdvice
{
    private const string Pushback = "grpc-retry-pushback-ms";

    public static RpcException ToException(Status status, int seconds)
    {
        TimeSpan delay = TimeSpan.FromSeconds(seconds);
        var details = new Google.Rpc.Status
        {
            Code = (int)status.StatusCode,
            Message = status.Detail,
            Details = { Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(delay) }) },
        };
        var trailers = new global::Grpc.Core.Metadata { { Pushback, delay.TotalMilliseconds.ToString(CultureInfo.InvariantCulture) } };
        trailers.SetRpcStatus(details);
        return new RpcException(status, trailers);
    }
}
