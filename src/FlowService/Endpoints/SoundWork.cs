using FlowService.Batching;
using FlowService.Models;
using FlowService.Requests;

namespace FlowService.Endpoints;

/// <summary>
/// A request's sound on its way through the model's queue, block by block, each of which counts as a row: as the parts of a stream of
/// rows, the first has the request's priority and is refused where the queue is full, later ones are bulk and wait for places.
/// </summary>
/// <param name="services">What the operations share.</param>
/// <param name="http">The request.</param>
/// <param name="request">What it says.</param>
/// <param name="model">The model, which has a voice.</param>
/// <param name="operation">Sample, or logprob.</param>
internal sealed class SoundWork(OperationServices services, HttpContext http, RowRequest request, ServedModel model, Operation operation)
{
    private bool isFirst = true;

    /// <summary>The blocks so far.</summary>
    public int Blocks { get; private set; }

    /// <summary>Computes the next block.</summary>
    /// <param name="block">What is computed, on one of the model's threads.</param>
    /// <param name="within">The time that it may take; null for the request's.</param>
    /// <exception cref="Errors.RequestException">429 where the queue is full, 503 where it is closed, 504 where the deadline passed.</exception>
    public async Task<T> RunAsync<T>(Func<T> block, TimeSpan? within = null)
    {
        T result = await PartsInTurn.RunAsync(() => OnceAsync(block, within), isFirst, http.RequestAborted);
        isFirst = false;
        Blocks++;
        return result;
    }

    private async Task<T> OnceAsync<T>(Func<T> block, TimeSpan? within)
    {
        T result = default!;
        var work = new WorkItem(model, operation, new() { Count = 1 }, services.Pool, keepsValues: false, job: () => result = model.Voice!.Compute(block))
        {
            Priority = isFirst ? request.Priority : Priority.Bulk,
        };
        using WorkItem done = await services.RunAsync(http, request, work, within);
        return result;
    }
}
