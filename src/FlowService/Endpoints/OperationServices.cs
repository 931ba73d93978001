using FlowService.Batching;
using FlowService.Limits;
using FlowService.Models;
using FlowService.Telemetry;
using FlowService.Wire;
using Microsoft.Extensions.Options;

namespace FlowService.Endpoints;

/// <summary>What the four operations need, and the steps that they share.</summary>
internal sealed record OperationServices(
    RequestReader Reader, ModelLifecycle Models, Inference Inference, IOptionsMonitor<BatchingOptions> Batching, IOptions<LimitsOptions> Limits, RowPool Pool,
    ILogger<OperationServices> Logger)
{
    /// <summary>The model that the request names, noted for the metrics, and held until the answer is sent.</summary>
    public async Task<ServedModel> FindAsync(HttpContext http, RowRequest request)
    {
        TimeSpan timeout = Deadline.Of(request.TimeoutMs, Batching.Get(request.Model ?? Options.DefaultName));
        ModelLease lease = await Models.LeaseAsync(request.Model, request.Version, timeout, http.RequestAborted);
        http.Response.RegisterForDispose(lease);
        http.Features.Get<RequestFacts>()?.Model = lease.Model;
        return lease.Model;
    }

    /// <summary>Takes an item through its model's device: then it holds the results, and its caller disposes of it.</summary>
    public async Task<WorkItem> RunAsync(HttpContext http, RowRequest request, WorkItem work)
    {
        http.Features.Get<RequestFacts>()?.Add(work.Input.Count);
        try
        {
            await Inference.RunAsync(work, Deadline.Of(request.TimeoutMs, work.Model.Queue.Options), http.RequestAborted);
            return work;
        }
        catch
        {
            work.Dispose();
            throw;
        }
    }

    /// <summary>The request's rows of x or z with their context, as the model takes them.</summary>
    public static WorkRows RowsOf(RowRequest request, RequestField field, ServedModel model) =>
        RowsOf(request.RowsOf(field, model.Width, model.Name), request.Context, model);

    /// <summary>Rows of the right width with their context.</summary>
    public static WorkRows RowsOf(RowTable table, RowTable? contexts, ServedModel model)
    {
        ContextRows context = ContextRows.Of(contexts, model, table.Rows);
        return new() { Count = table.Rows, Values = table.Values, Context = context.Values, RowsPerContext = context.RowsPerContext(table.Rows) };
    }
}
