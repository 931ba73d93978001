using FlowCore;
using FlowCore.Checkpoints;
using FlowRows;
using FlowRows.Tables;
using FlowService.Batching;

namespace FlowService.Models;

/// <summary>
/// A version of a model at other sizes of its images, where it takes them: each size is compiled when it is first asked for, has a queue
/// of its own, and stays until newer ones have taken its place.
/// </summary>
/// <param name="sizes">Which sizes there are.</param>
/// <param name="checkpoint">The version's description and weights.</param>
/// <param name="build">From these at another size to what serves it.</param>
internal sealed class ModelSizes(EventSizes sizes, Checkpoint checkpoint, Func<Checkpoint, ServedModel> build)
{
    private const int Most = 4;

    private readonly EventSizes sizes = sizes;

    private readonly Lock gate = new();

    // The one that was asked for last stands last.
    private readonly List<((int Height, int Width) Size, Task<ServedModel> Model)> built = [];
    private volatile bool retired;

    /// <summary>Height and width must be multiples of these.</summary>
    public int[] MultipleOf => sizes.MultipleOf;

    /// <summary>The most pixels of an image.</summary>
    public int MostPixels => sizes.MostPixels;

    /// <summary>The version at each size that is compiled now, but for its own.</summary>
    public ServedModel[] Compiled
    {
        get
        {
            lock (gate)
                return [.. built.Where(each => each.Model.IsCompletedSuccessfully).Select(each => each.Model.Result)];
        }
    }

    /// <summary>
    /// Holds a version at the size that a request asks for, by the shape of its rows or in words, until the lease is disposed of; null
    /// where that is the model's own.
    /// </summary>
    /// <exception cref="RowFault">It does not take that size; the message names the nearest one.</exception>
    /// <exception cref="Errors.RequestException">504 where it is not compiled in time; that goes on without the caller.</exception>
    public static async Task<ModelLease?> LeaseAsync(
        ServedModel model, ShownImages? shown, (int Height, int Width)? asked, TimeSpan timeout, CancellationToken cancellation)
    {
        try
        {
            FlowSpec spec = EventSizes.Requested(model.Spec, model.Sizes?.sizes, shown, asked);
            return spec.EventShape.AsSpan().SequenceEqual(model.Spec.EventShape) ? null : await model.Sizes!.LeaseAsync(spec, timeout, cancellation);
        }
        catch (TimeoutException)
        {
            throw Deadline.Passed();
        }
        catch (SpecException e)
        {
            throw new RowFault(RowFaultKind.WrongWidth, e.Message)
            { Field = asked is not null ? RowNames.Size : shown is { AreContexts: true } ? RowNames.Context : RowNames.X };
        }
    }

    private async Task<ModelLease> LeaseAsync(FlowSpec spec, TimeSpan timeout, CancellationToken cancellation)
    {
        while (true)
        {
            ServedModel model = await Built((spec.EventShape[1], spec.EventShape[2]), spec).WaitAsync(timeout, cancellation);
            if (!model.TryLease())
                continue;
            // A request that holds a retired version is answered yet, and takes this one with it.
            if (retired)
                _ = model.RetireAsync();
            return new ModelLease(model);
        }
    }

    /// <summary>Takes no new requests at any size; completes when their memory is given back.</summary>
    public Task RetireAsync()
    {
        lock (gate)
        {
            retired = true;
            Task[] ending = [.. built.Select(each => EndAsync(each.Model))];
            built.Clear();
            return Task.WhenAll(ending);
        }
    }

    private Task<ServedModel> Built((int Height, int Width) size, FlowSpec spec)
    {
        lock (gate)
        {
            if (retired)
                return Build(spec);
            int at = built.FindIndex(each => each.Size == size && !each.Model.IsFaulted);
            var found = at >= 0 ? built[at] : (size, Build(spec));
            built.RemoveAll(each => each.Size == size);
            built.Add(found);
            if (built.Count > Most)
            {
                _ = EndAsync(built[0].Model);
                built.RemoveAt(0);
            }
            return found.Item2;
        }
    }

    private Task<ServedModel> Build(FlowSpec spec) => Task.Run(() => build(checkpoint with { Spec = spec, Calibration = null }));

    private static async Task EndAsync(Task<ServedModel> model)
    {
        try
        {
            await (await model).RetireAsync();
        }
        catch (FlowException)
        {
            // It was never there.
        }
    }
}
