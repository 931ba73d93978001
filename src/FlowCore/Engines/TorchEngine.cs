using System.Numerics;
using FlowCore.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Engines;

/// <summary>Runs a flow's TorchSharp modules: every kind, on the CPU or a GPU, in float32 or float64.</summary>
public sealed class TorchEngine<T> : FlowEngine<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Flow flow;
    private readonly torch.Device device;
    private readonly PinnedRows<T>? pinned;
    private readonly SharedContexts shared = new();

    /// <summary>Takes the flow over: it is moved to the device and to the element type, and disposed with the engine.</summary>
    public TorchEngine(Flow flow, string device = "cpu") : base(flow.Spec)
    {
        this.device = Libtorch.Device(device);
        this.flow = flow;
        flow.to(this.device);
        flow.to(TensorRows.TypeOf<T>());
        flow.eval();
        pinned = this.device.type == DeviceType.CUDA ? new(this.device) : null;
    }

    public override string Name => "torch";

    public override int NoiseWidth => flow.NoiseWidth;

    public override string Device => device.ToString();

    public override void Forward(ReadOnlySpan<T> x, ReadOnlySpan<T> context, Span<T> z, Span<T> logDet, Span<T> logProb)
    {
        int rows = Rows(x, context, z.Length, logDet.Length, logProb.Length);
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        Tensor? condition = Condition(context, rows);
        Bijections.Mapped mapped = flow.EncodeGiven(In(x, rows, Width), condition);
        Out(mapped.Values, z, mapped.LogDet, logDet, flow.BaseLogProbGiven(mapped.Values, condition) + mapped.LogDet, logProb);
    }

    public override void Inverse(ReadOnlySpan<T> z, ReadOnlySpan<T> context, Span<T> x, Span<T> logDet, Span<T> logProb)
    {
        int rows = Rows(z, context, x.Length, logDet.Length, logProb.Length);
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        Tensor? condition = Condition(context, rows);
        Tensor latents = In(z, rows, Width);
        Bijections.Mapped mapped = flow.DecodeGiven(latents, condition);
        Out(mapped.Values, x, mapped.LogDet, logDet, flow.BaseLogProbGiven(latents, condition) - mapped.LogDet, logProb);
    }

    public override void Latents(
        ReadOnlySpan<T> noise, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase)
    {
        int rows = Rows(z, context, z.Length, temperature.Length, logBase.Length);
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        Densities.Drawn drawn = flow.DrawGiven(
            In(noise, rows, NoiseWidth),
            In(temperature, rows, 1).flatten(),
            Condition(context, rows));
        Out(drawn.Latents, z, drawn.LogDensity, logBase);
    }

    /// <summary>What the flow is conditioned on: contexts that neighbouring rows share go through the embedding once.</summary>
    private Tensor? Condition(ReadOnlySpan<T> context, int rows)
    {
        if (ContextWidth == 0)
            return null;
        if (Spec.Context?.Embedding is not { Length: > 0 })
            return flow.Condition(In(context, rows, ContextWidth));
        shared.Find(context, ContextWidth, most: rows);
        if (shared.Count == rows)
            return flow.Condition(In(context, rows, ContextWidth));
        var distinct = new T[shared.Count * ContextWidth];
        for (int i = 0; i < shared.Count; i++)
            context.Slice(shared.FirstRows[i] * ContextWidth, ContextWidth).CopyTo(distinct.AsSpan(i * ContextWidth));
        Tensor of = tensor(shared.OfRows[..rows].ToArray()).to(int64).to(device);
        return flow.Condition(In(distinct, shared.Count, ContextWidth))!.index_select(0, of);
    }

    private Tensor In(ReadOnlySpan<T> values, int rows, int width) => pinned?.Upload(values, rows, width) ?? TensorRows.From(values, rows, width);

    private void Out(Tensor values, Span<T> toValues, Tensor perRow, Span<T> toPerRow, Tensor? perRowB = null, Span<T> toPerRowB = default)
    {
        if (pinned is not null)
        {
            pinned.Download(values, toValues, perRow, toPerRow, perRowB, toPerRowB);
            return;
        }
        if (!toValues.IsEmpty)
            TensorRows.CopyTo(values, toValues);
        TensorRows.CopyTo(perRow, toPerRow);
        if (perRowB is not null)
            TensorRows.CopyTo(perRowB, toPerRowB);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            flow.Dispose();
            pinned?.Dispose();
        }
        base.Dispose(disposing);
    }
}
