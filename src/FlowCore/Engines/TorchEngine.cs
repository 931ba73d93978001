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

    /// <summary>Takes the flow over: it is moved to the device and to the element type, and disposed with the engine.</summary>
    public TorchEngine(Flow flow, string device = "cpu") : base(flow.Spec)
    {
        this.device = Libtorch.Device(device);
        this.flow = flow;
        flow.to(this.device);
        flow.to(TensorRows.TypeOf<T>());
        flow.eval();
    }

    public override string Name => "torch";

    public override int NoiseWidth => flow.NoiseWidth;

    public override string Device => device.ToString();

    public override void Forward(ReadOnlySpan<T> x, ReadOnlySpan<T> context, Span<T> z, Span<T> logDet, Span<T> logProb)
    {
        int rows = Rows(x, context, z.Length, logDet.Length, logProb.Length);
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        Tensor? condition = Context(context, rows);
        Bijections.Mapped mapped = flow.Encode(TensorRows.From(x, rows, Width, device), condition);
        TensorRows.CopyTo(mapped.Values, z);
        TensorRows.CopyTo(mapped.LogDet, logDet);
        TensorRows.CopyTo(flow.BaseLogProb(mapped.Values, condition) + mapped.LogDet, logProb);
    }

    public override void Inverse(ReadOnlySpan<T> z, ReadOnlySpan<T> context, Span<T> x, Span<T> logDet, Span<T> logProb)
    {
        int rows = Rows(z, context, x.Length, logDet.Length, logProb.Length);
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        Tensor? condition = Context(context, rows);
        Tensor latents = TensorRows.From(z, rows, Width, device);
        Bijections.Mapped mapped = flow.Decode(latents, condition);
        TensorRows.CopyTo(mapped.Values, x);
        TensorRows.CopyTo(mapped.LogDet, logDet);
        TensorRows.CopyTo(flow.BaseLogProb(latents, condition) - mapped.LogDet, logProb);
    }

    public override void Latents(
        ReadOnlySpan<T> noise, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase)
    {
        int rows = Rows(z, context, z.Length, temperature.Length, logBase.Length);
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        Densities.Drawn drawn = flow.Draw(
            TensorRows.From(noise, rows, NoiseWidth, device),
            TensorRows.From(temperature, rows, 1, device).flatten(),
            Context(context, rows));
        TensorRows.CopyTo(drawn.Latents, z);
        TensorRows.CopyTo(drawn.LogDensity, logBase);
    }

    private Tensor? Context(ReadOnlySpan<T> context, int rows) =>
        ContextWidth == 0 ? null : TensorRows.From(context, rows, ContextWidth, device);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            flow.Dispose();
        base.Dispose(disposing);
    }
}
