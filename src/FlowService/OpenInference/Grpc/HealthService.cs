using FlowRows;
using FlowService.Errors;
using FlowService.Models;
using Grpc.Core;
using Grpc.Health.V1;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace FlowService.OpenInference.Grpc;

/// <summary>grpc.health.v1: what /health/ready says. The service's name is empty, or that of the inference service.</summary>
internal sealed class HealthService(ServiceGate gate, DeviceProbe devices, TimeProvider time) : Health.HealthBase
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    public override async Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) => IsKnown(request)
        ? new() { Status = await StatusAsync(context.CancellationToken) }
        : throw new RpcException(new Status(StatusCode.NotFound, $"there is no service '{request.Service.Shown()}' here"));

    /// <summary>Says the status now, and whenever it changes.</summary>
    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using var timer = new PeriodicTimer(Period, time);
        ServingStatus said = ServingStatus.Unknown;
        do
        {
            ServingStatus now = IsKnown(request) ? await StatusAsync(context.CancellationToken) : ServingStatus.ServiceUnknown;
            if (now != said)
                await responseStream.WriteAsync(new() { Status = said = now }, context.CancellationToken);
        }
        while (await timer.WaitForNextTickAsync(context.CancellationToken));
    }

    private static bool IsKnown(HealthCheckRequest request) => request.Service.Length == 0 || request.Service == InferenceService.Name;

    private async Task<ServingStatus> StatusAsync(CancellationToken cancellation)
    {
        try
        {
            gate.CheckReady();
            await devices.CheckAsync(cancellation);
            return ServingStatus.Serving;
        }
        catch (RequestException)
        {
            return ServingStatus.NotServing;
        }
    }
}
