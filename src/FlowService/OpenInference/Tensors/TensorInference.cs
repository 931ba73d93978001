using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Limits;
using FlowService.Models;
using FlowService.OpenInference.Faces;
using FlowService.Scoring;
using FlowService.Security;
using FlowService.Telemetry;
using Microsoft.Extensions.Options;

namespace FlowService.OpenInference.Tensors;

/// <summary>The way that REST and gRPC share: from a request's tensors through the model's queue to the answer's.</summary>
internal sealed class TensorInference(ModelFaces faces, Inference inference, RowQuotas quotas, IOptions<LimitsOptions> limits, DensityWatch watch, RowPool pool)
{
    /// <summary>Computes what the request asks of the face. Its buffers must live as long as the answer.</summary>
    /// <exception cref="Errors.RequestException">The request is refused (400, 413), or not answered (429, 503, 504).</exception>
    public async Task<InferAnswer> RunAsync(InferRequest request, ModelFace face, HttpContext http, RequestFacts facts, CancellationToken callerGone)
    {
        TensorChecks.CheckNames(request, face);
        TimeSpan timeout = Deadline.OfMicroseconds(request.Timeout, face.Model.Queue.Options);
        ModelLease? lease = await RequestedSize.LeaseAsync(request, face, timeout, callerGone);
        try
        {
            return await RunAsync(request, lease is null ? face : faces.Of(lease.Model, face.Kind), lease, timeout, http, facts, callerGone);
        }
        catch
        {
            lease?.Dispose();
            throw;
        }
    }

    private async Task<InferAnswer> RunAsync(
        InferRequest request, ModelFace face, ModelLease? lease, TimeSpan timeout, HttpContext http, RequestFacts facts, CancellationToken callerGone)
    {
        ServedModel model = face.Model;
        WorkRows rows = RequestedRows.Of(request, face, limits.Value);
        facts.Add(rows.Count);
        var work = new WorkItem(model, face.Kind.Operation(), rows, pool, request.Asks(face.Mapped)) { Priority = request.Priority };
        try
        {
            quotas.Take(http, rows.Count);
            await inference.RunAsync(work, timeout, callerGone);
            facts.Computed(work);
            watch.Observe(work);
            return new InferAnswer(request, face, work, lease);
        }
        catch
        {
            work.Dispose();
            throw;
        }
    }
}
