using FlowCore.Conditioners.Layers;
using FlowCore.Engines.Compiled;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="TimeSqueeze"/>.</summary>
public sealed record TimeSqueezeSpec : BijectionSpec
{
    /// <summary>How many neighbouring frames become one.</summary>
    public required int Factor { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        LayerPlace.Of(shape).NeedsFrames(at);
        at.Within("factor", Factor, 1, 1 << 12);
        if (shape.Pixels % Factor != 0)
            throw at.Refusal("factor", $"does not divide {shape.Pixels} frames: take {shape.Pixels / Factor * Factor} or {(shape.Pixels / Factor + 1) * Factor}");
    }

    internal override EventShape After(EventShape shape) => shape with { Sizes = [shape.Channels * Factor, 1, shape.Pixels / Factor] };

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        int channels = shape.Channels, frames = shape.Pixels, behind = frames / Factor;
        // Value (c Factor + g, t) is value (c, t Factor + g).
        to.Values = inverse
            ? to.Values.Select(shape.Sizes, from c in Enumerable.Range(0, channels) from t in Enumerable.Range(0, frames) select (c * Factor + t % Factor) * behind + t / Factor)
            : to.Values.Select(After(shape).Sizes, from j in Enumerable.Range(0, channels * Factor) from t in Enumerable.Range(0, behind) select j / Factor * frames + t * Factor + j % Factor);
    }
}

/// <summary>
/// [C, 1, T] to [C f, 1, T / f]: frame t f + g of channel c becomes channel c f + g of frame t, the order of WaveGlow (Prenger, Valle,
/// Catanzaro 2018, arXiv 1811.00002). Preserves volume.
/// </summary>
public sealed class TimeSqueeze : Bijection
{
    private readonly long factor;

    internal TimeSqueeze(TimeSqueezeSpec spec) : base(nameof(TimeSqueeze)) => factor = spec.Factor;

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return Moved(Squeezed(x, factor));
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        long rows = z.shape[0], channels = z.shape[1] / factor, frames = z.shape[3];
        return Moved(z.reshape(rows, channels, factor, frames).transpose(2, 3).reshape(rows, channels, 1, frames * factor));
    }

    /// <summary>The map without its log-determinant.</summary>
    internal static Tensor Squeezed(Tensor x, long factor)
    {
        long rows = x.shape[0], channels = x.shape[1], frames = x.shape[3] / factor;
        return x.reshape(rows, channels, frames, factor).transpose(2, 3).reshape(rows, channels * factor, 1, frames);
    }

    private static Mapped Moved(Tensor values) => new(
        values.MoveToOuterDisposeScope(), zeros(values.shape[0], values.dtype, values.device).MoveToOuterDisposeScope());
}
