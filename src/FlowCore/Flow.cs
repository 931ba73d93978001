using FlowCore.Bijections;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore;

/// <summary>
/// A normalizing flow: bijections in order, and a base density over the latents.
/// log p(x) = log p(z) + log|det dz/dx| with z = f(x). All rows are flat, <c>[batch, width]</c>; log densities are in nats,
/// in the units of x. Context is <c>[batch, context width]</c> as a request sends it: a class is one number.
/// </summary>
public sealed class Flow : nn.Module
{
    private readonly ModuleList<Layer> embedding;
    private readonly ModuleList<Bijection> bijections;
    private readonly BaseDensity base_density;
    private readonly EventShape latentShape;

    internal Flow(
        FlowSpec spec, ModuleList<Layer> embedding, ModuleList<Bijection> bijections, EventShape latentShape, BaseDensity baseDensity)
        : base(nameof(Flow))
    {
        Spec = spec;
        this.embedding = embedding;
        this.bijections = bijections;
        this.latentShape = latentShape;
        base_density = baseDensity;
        RegisterComponents();
    }

    public FlowSpec Spec { get; }

    public IEnumerable<Bijection> Bijections => bijections;

    /// <summary>The layers between the context that a request sends and the conditioners.</summary>
    internal IEnumerable<Layer> Embedding => embedding;

    /// <summary>The number of standard normal noise values behind one latent.</summary>
    public int NoiseWidth => base_density.NoiseWidth;

    /// <summary>z = f(x) and log|det dz/dx|, <c>[batch]</c>.</summary>
    public Mapped Encode(Tensor x, Tensor? context = null)
    {
        using var scope = NewDisposeScope();
        return Moved(EncodeGiven(x, Condition(context)));
    }

    /// <summary>The same for what <see cref="Condition"/> made of the context.</summary>
    internal Mapped EncodeGiven(Tensor x, Tensor? condition)
    {
        using var scope = NewDisposeScope();
        Tensor values = Shaped(x);
        Tensor logDet = zeros_like(x.select(1, 0));
        foreach (Bijection bijection in bijections)
        {
            Mapped mapped = bijection.Forward(values, condition);
            (values, logDet) = (mapped.Values, logDet + mapped.LogDet);
        }
        return Moved(new(values.flatten(1), logDet));
    }

    /// <summary>x = f^-1(z) and log|det dx/dz|, <c>[batch]</c>.</summary>
    public Mapped Decode(Tensor z, Tensor? context = null)
    {
        using var scope = NewDisposeScope();
        return Moved(DecodeGiven(z, Condition(context)));
    }

    internal Mapped DecodeGiven(Tensor z, Tensor? condition)
    {
        using var scope = NewDisposeScope();
        Tensor values = Shaped(z, latentShape.Sizes);
        Tensor logDet = zeros_like(z.select(1, 0));
        for (int i = bijections.Count - 1; i >= 0; i--)
        {
            Mapped mapped = bijections[i].Inverse(values, condition);
            (values, logDet) = (mapped.Values, logDet + mapped.LogDet);
        }
        return Moved(new(values.flatten(1), logDet));
    }

    /// <summary>log p(x), <c>[batch]</c>.</summary>
    public Tensor LogProb(Tensor x, Tensor? context = null)
    {
        using var scope = NewDisposeScope();
        Tensor? condition = Condition(context);
        Mapped mapped = EncodeGiven(x, condition);
        return (BaseLogProbGiven(mapped.Values, condition) + mapped.LogDet).MoveToOuterDisposeScope();
    }

    /// <summary>Rows drawn from the flow with the noise of a seed, and their log density.</summary>
    public Mapped Sample(int count, ulong seed, Tensor? context = null)
    {
        using var scope = NewDisposeScope();
        var rows = new double[count * NoiseWidth];
        Noise.FillNormal(seed, 0, NoiseWidth, rows.AsSpan());
        // In the type and on the device of the weights; a flow without any computes in float32.
        Tensor like = this.parameters().Concat(this.buffers()).FirstOrDefault(tensor => tensor.is_floating_point()) ?? zeros(0);
        Tensor noise = Tensors.TensorRows.From<double>(rows, count, NoiseWidth).to(like.dtype).to(like.device);
        Tensor? condition = Condition(context);
        Drawn drawn = DrawGiven(noise, ones_like(noise.select(1, 0)), condition);
        Mapped mapped = DecodeGiven(drawn.Latents, condition);
        return new(mapped.Values.MoveToOuterDisposeScope(), (drawn.LogDensity - mapped.LogDet).MoveToOuterDisposeScope());
    }

    /// <summary>The base density's log p(z), <c>[batch]</c>.</summary>
    public Tensor BaseLogProb(Tensor z, Tensor? context = null)
    {
        using var scope = NewDisposeScope();
        return BaseLogProbGiven(z, Condition(context)).MoveToOuterDisposeScope();
    }

    internal Tensor BaseLogProbGiven(Tensor z, Tensor? condition) => base_density.LogProb(z, condition);

    /// <summary>Latents from standard normal noise, each row's noise scaled by its temperature <c>[batch]</c>.</summary>
    public Drawn Draw(Tensor noise, Tensor temperature, Tensor? context = null)
    {
        using var scope = NewDisposeScope();
        Drawn drawn = DrawGiven(noise, temperature, Condition(context));
        return new(drawn.Latents.MoveToOuterDisposeScope(), drawn.LogDensity.MoveToOuterDisposeScope());
    }

    internal Drawn DrawGiven(Tensor noise, Tensor temperature, Tensor? condition) => base_density.FromNoise(noise, temperature, condition);

    /// <summary>What the bijections and the base are given: the context, or its class as one-hot, through the embedding.</summary>
    internal Tensor? Condition(Tensor? context)
    {
        if (Spec.Context is not { } expected)
            return context is null ? null : throw new RowException(FlowSpec.TakesNoContext(Spec.Name));
        if (context is null)
            throw new RowException($"model '{Spec.Name}' needs a context of {expected.Width} values a row");
        Tensor condition = expected.Classes is { } classes
            ? nn.functional.one_hot(context.flatten().to(int64), classes).to(context.dtype)
            : context;
        if (expected.Shape is { } shape)
            condition = Shaped(condition, EventShape.Of(shape, 0).Sizes);
        foreach (Layer layer in embedding)
            condition = layer.Forward(condition, null);
        return condition;
    }

    /// <summary>Flat rows as events.</summary>
    internal Tensor Shaped(Tensor rows) => Shaped(rows, EventShape.Of(Spec.EventShape, 0).Sizes);

    private static Tensor Shaped(Tensor rows, int[] sizes) =>
        sizes.Length == 1 ? rows : rows.reshape([rows.shape[0], .. sizes.Select(size => (long)size)]);

    private static Mapped Moved(Mapped mapped) => new(mapped.Values.MoveToOuterDisposeScope(), mapped.LogDet.MoveToOuterDisposeScope());
}
