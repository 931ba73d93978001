using FlowRows.Buffers;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.OpenInference.Faces;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.OpenInference.Tensors;
using FlowService.Security;
using FlowService.Telemetry;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace FlowService.OpenInference.Grpc;

/// <summary>One inference by gRPC, counted like those by HTTP: whatever becomes of it.</summary>
internal sealed class InferCalls(ModelFaces faces, TensorInference inference, IOptions<LimitsOptions> limits, RowPool pool, FlowMetrics metrics, TimeProvider time)
{
    public async Task<ModelInferResponse> AnswerAsync(ModelInferRequest message, HttpContext http, CancellationToken callerGone)
    {
        var facts = new RequestFacts(faces.Named(message.ModelName).Kind.Operation(), time);
        string outcome = Outcomes.Success;
        try
        {
            return await ComputeAsync(message, http, facts, callerGone);
        }
        catch (Exception e)
        {
            ProblemDetails problem = ProblemMapping.ToProblem(e);
            outcome = callerGone.IsCancellationRequested ? Outcomes.Aborted : Outcomes.Of(problem.Status ?? StatusCodes.Status500InternalServerError);
            facts.Reason = callerGone.IsCancellationRequested ? Outcomes.ClientGone : ProblemMapping.Reason(problem);
            throw;
        }
        finally
        {
            if (!http.Response.HasStarted)
                http.Response.Headers[ServerTiming.Name] = facts.Times().ToHeader();
            metrics.Answered(facts, outcome, time.GetElapsedTime(facts.Began));
            if (facts.Reason is { } reason)
                metrics.Rejected(facts, reason);
            FlowTracing.Answered(facts, time);
        }
    }

    private async Task<ModelInferResponse> ComputeAsync(ModelInferRequest message, HttpContext http, RequestFacts facts, CancellationToken callerGone)
    {
        Caller.CheckModel(http, faces.Named(message.ModelName).Flow);
        using FaceLease lease = await faces.LeaseAsync(message.ModelName, message.ModelVersion, timeout: 0, callerGone);
        facts.Model = lease.Face.Model;
        using InferRequest request = InferMessages.Read(message, limits.Value, pool);
        using InferAnswer answer = await inference.RunAsync(request, lease.Face, http, facts, callerGone);
        return InferMessages.Write(answer);
    }
}
