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

    /// <summary>Takes the rows through the model's device; the item holds the results, and its caller disposes of it.</summary>
    public Task<WorkItem> RunAsync(HttpContext http, Operation operation, ServedModel model, RowRequest request, WorkRows rows) =>
        RunAsync(http, operation, model, request, rows, request.Priority);

    /// <summary>The same in another priority than the request's.</summary>
    public async Task<WorkItem> RunAsync(HttpContext http, Operation operation, ServedModel model, RowRequest request, WorkRows rows, Priority priority)
    {
        TimeSpan timeout = Deadline.Of(request.TimeoutMs, model.Queue.Options);
        http.Features.Get<RequestFacts>()?.Add(rows.Count);
        var work = new WorkItem(model, operation, rows, Pool) { Priority = priority };
        try
        {
            await Inference.RunAsync(work, timeout, http.RequestAborted);
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
