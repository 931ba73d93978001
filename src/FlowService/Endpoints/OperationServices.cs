using FlowService.Batching;
using FlowService.Models;
using FlowService.Telemetry;
using FlowService.Wire;

namespace FlowService.Endpoints;

/// <summary>What the four operations need, and the steps that they share.</summary>
internal sealed record OperationServices(RequestReader Reader, ModelRegistry Registry, Inference Inference, RowPool Pool)
{
    /// <summary>The model that the request names, noted for the metrics.</summary>
    public ServedModel Find(HttpContext http, RowRequest request)
    {
        ServedModel model = Registry.Find(request.Model, request.Version);
        http.Features.Get<RequestFacts>()?.Model = model;
        return model;
    }

    /// <summary>Takes the rows through the model's device; the item holds the results, and its caller disposes of it.</summary>
    public async Task<WorkItem> RunAsync(HttpContext http, Operation operation, ServedModel model, RowRequest request, WorkRows rows)
    {
        TimeSpan timeout = Inference.Timeout(request.TimeoutMs);
        http.Features.Get<RequestFacts>()?.Rows = rows.Count;
        var work = new WorkItem(model, operation, rows, Pool);
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
    public static WorkRows RowsOf(RowRequest request, RequestField field, ServedModel model)
    {
        RowTable table = request.RowsOf(field, model.Width, model.Name);
        ContextRows context = ContextRows.Of(request.Context, model, table.Rows);
        return new() { Count = table.Rows, Values = table.Values, Context = context.Values, RowsPerContext = context.RowsPerContext(table.Rows) };
    }
}
