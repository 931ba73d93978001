using FlowCore;
using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Models;
using FlowService.Requests;
using FlowService.Scoring;
using FlowService.Security;
using FlowService.Telemetry;
using Microsoft.Extensions.Options;

namespace FlowService.Endpoints;

/// <summary>What the four operations need, and the steps that they share.</summary>
internal sealed record OperationServices(
    RequestReader Reader, ModelRegistry Registry, ModelLifecycle Models, Inference Inference, RowQuotas Quotas, IOptionsMonitor<BatchingOptions> Batching, IOptions<LimitsOptions> Limits, Evaluations Evaluations, DensityWatch Watch, RowPool Pool,
    BusyRefusals Refusals, TimeProvider Time, ILogger<OperationServices> Logger)
{
    /// <summary>The model that the request names, noted for the metrics, and held until the answer is sent.</summary>
    public async Task<ServedModel> FindAsync(HttpContext http, RowRequest request)
    {
        if (request.Model is not null)
            Caller.CheckModel(http, request.Model);
        TimeSpan timeout = Deadline.Of(request.TimeoutMs, Batching.Get(request.Model ?? Options.DefaultName));
        ModelLease lease = await Models.LeaseAsync(request.Model, request.Version, timeout, http.RequestAborted);
        http.Response.RegisterForDispose(lease);
        http.Features.Get<RequestFacts>()?.Model = lease.Model;
        Caller.CheckModel(http, lease.Model.Name);
        return lease.Model;
    }

    /// <summary>
    /// The refusal of rows that are still to be read, where not one of them has a place now; else null. Of a model that is named behind
    /// its rows this is found when they are read.
    /// </summary>
    /// <exception cref="RequestException">403 where the model is not the caller's, 404 where it has no such version.</exception>
    public RequestException? WithoutRoom(HttpContext http, RowRequest request)
    {
        if (request.Model is not { } name || !Registry.Has(name))
            return null;
        Caller.CheckModel(http, name);
        if (Registry.Get(name, request.Version).Served is not { } model)
            return null;
        http.Features.Get<RequestFacts>()?.Model = model;
        return Inference.WithoutRoom(model, rows: 1);
    }

    /// <summary>The same version at the size of the images that the request brings or names, where it takes other sizes than its own.</summary>
    public static async Task<ServedModel> AtSizeAsync(HttpContext http, RowRequest request, ServedModel model, bool areContexts)
    {
        bool channelsLast = request.Layout == ImageLayout.Nhwc;
        ShownImages? shown = model.Sizes is null ? null
            : request.Form is { } form ? await form.ImagesAsync(channelsLast, http.RequestAborted)
            : request.Body is { } format ? await format.ImagesAsync(http.Request.BodyReader, channelsLast, http.RequestAborted)
            : null;
        TimeSpan timeout = Deadline.Of(request.TimeoutMs, model.Queue.Options);
        if (await ModelSizes.LeaseAsync(model, shown is { } images ? images with { AreContexts = areContexts } : null, request.ImageSize, timeout, http.RequestAborted) is not { } lease)
            return model;
        http.Response.RegisterForDispose(lease);
        return lease.Model;
    }

    /// <summary>Takes an item through its model's device: then it holds the results, and its caller disposes of it.</summary>
    /// <param name="http">The request.</param>
    /// <param name="request">What it says.</param>
    /// <param name="work">The item.</param>
    /// <param name="within">The time that it may take; null for the request's.</param>
    public async Task<WorkItem> RunAsync(HttpContext http, RowRequest request, WorkItem work, TimeSpan? within = null)
    {
        RequestFacts? facts = http.Features.Get<RequestFacts>();
        facts?.Add(work.Input.Count);
        try
        {
            Quotas.Take(http, work.Input.Count);
            await Inference.RunAsync(work, within ?? Deadline.Of(request.TimeoutMs, work.Model.Queue.Options), http.RequestAborted);
            facts?.Computed(work);
            return work;
        }
        catch
        {
            work.Dispose();
            throw;
        }
    }
}
