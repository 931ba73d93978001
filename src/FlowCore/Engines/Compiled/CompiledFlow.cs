using FlowCore.Checkpoints;
using FlowCore.Conditioners.Layers;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled;

/// <summary>
/// A flow as three programs in float64: data to latents, latents to data, noise to latents. Where the context goes through an embedding
/// there is a fourth one for it, and the others take what comes out of that.
/// </summary>
internal sealed class CompiledFlow
{
    private readonly FlowSpec spec;
    private readonly WeightScope weights;

    private CompiledFlow(FlowSpec spec, WeightScope weights) => (this.spec, this.weights) = (spec, weights);

    public required FlowProgram Forward { get; init; }

    public required FlowProgram Inverse { get; init; }

    public required FlowProgram Latents { get; init; }

    /// <summary>From the context that a request sends to what the flow is conditioned on; null where that is the same.</summary>
    public required FlowProgram? Encoder { get; init; }

    /// <summary>The number of noise values behind one latent.</summary>
    public int NoiseWidth => Latents.Input.Width;

    /// <exception cref="NotCompiledException">A kind of the flow does not compile; the message names its place.</exception>
    /// <exception cref="FlowException">The description contradicts itself, or the weights do not belong to it.</exception>
    public static CompiledFlow Of(Checkpoint checkpoint)
    {
        checkpoint.Check();
        var scope = new WeightScope(checkpoint.Weights);
        var draft = new CompiledFlow(checkpoint.Spec, scope) { Forward = null!, Inverse = null!, Latents = null!, Encoder = null };
        return new(checkpoint.Spec, scope)
        {
            Forward = draft.Mapped(inverse: false),
            Inverse = draft.Mapped(inverse: true),
            Latents = draft.Drawn(),
            Encoder = draft.Encoded(),
        };
    }

    /// <summary>
    /// The direction from data to latents of a flow in training: nothing is folded that is learned. The parameters are given by name.
    /// </summary>
    /// <exception cref="NotCompiledException">A kind of the flow does not compile, or has no way back.</exception>
    public static (FlowProgram Program, IReadOnlyDictionary<string, Formula> Parameters) ForTraining(Checkpoint checkpoint)
    {
        checkpoint.Check();
        var parameters = new Dictionary<string, Formula>(StringComparer.Ordinal);
        var draft = new CompiledFlow(checkpoint.Spec, new WeightScope(checkpoint.Weights, parameters)) { Forward = null!, Inverse = null!, Latents = null!, Encoder = null };
        return (draft.Mapped(inverse: false, encodes: true), parameters);
    }

    /// <summary>Bijections in the order of the direction; the shape is that of the data in front of the first one.</summary>
    public static void Compile(BijectionSpec[] specs, string list, FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        var shapes = new EventShape[specs.Length];
        for (int i = 0; i < specs.Length; shape = specs[i].After(shape), i++)
            shapes[i] = shape;
        for (int step = 0; step < specs.Length; step++)
        {
            int i = inverse ? specs.Length - 1 - step : step;
            try
            {
                specs[i].Compile(to, shapes[i], weights.In(list, i), inverse);
            }
            catch (NotCompiledException e)
            {
                throw new NotCompiledException($"{list}[{i}].{e.Message}");
            }
        }
    }

    // Whether the program encodes its context itself, as in a training, where the embedding learns.
    private FlowProgram Mapped(bool inverse, bool encodes = false)
    {
        Region input = new(spec.Width, exact: true), output = new(spec.Width, exact: true);
        Region logDet = Region.OfSums(), logDensity = Region.OfSums();
        var (context, encoding, condition) = Condition(encodes);
        EventShape shape = EventShape.Of(spec.EventShape, Place);
        EventShape latent = shape;
        foreach (BijectionSpec bijection in spec.Bijections)
            latent = bijection.After(latent);

        var flow = new FlowCompiler(logDet)
        {
            Context = condition,
            Values = new Places(inverse ? latent.Sizes : shape.Sizes, [.. Enumerable.Range(0, spec.Width).Select(i => new Place(input, i))]),
        };
        Compile(spec.Bijections, "bijections", flow, shape, weights, inverse);
        Places end = flow.Values;
        var density = new DensityCompiler(new DensityRegions(inverse ? input : output, null, null, logDensity), condition);
        spec.Base.Compile(density, 0, spec.Width, weights.In("base_density"));

        List<Operation> operations = [.. encoding, new StartOperation(logDet, flow.ConstantLogDet), new StartOperation(logDensity, Formula.Fixed(0))];
        // The latents are scored before the way back changes them in their place.
        if (inverse)
            operations.AddRange(density.Operations);
        operations.AddRange(flow.Operations);
        foreach (var group in Enumerable.Range(0, spec.Width).GroupBy(i => end.Values[i].Region))
            operations.Add(new CopyOperation(group.Key, [.. group.Select(i => end.Values[i].Offset)], output, [.. group]));
        if (!inverse)
            operations.AddRange(density.Operations);
        return new FlowProgram(operations, input, context, null, output, logDet, logDensity);
    }

    private FlowProgram Drawn()
    {
        Region noise = new(spec.Base.NoiseWidth(spec.Width), exact: true);
        Region latents = new(spec.Width, exact: true), temperature = new(1, exact: true), logDensity = Region.OfSums();
        var (context, encoding, condition) = Condition(encodes: false);
        var density = new DensityCompiler(new DensityRegions(noise, latents, temperature, logDensity), condition);
        spec.Base.Compile(density, 0, spec.Width, weights.In("base_density"));
        return new FlowProgram(
            [.. encoding, new StartOperation(logDensity, Formula.Fixed(0)), .. density.Operations], noise, context, temperature, latents, logDensity, logDensity);
    }

    /// <summary>What reaches the conditioners.</summary>
    private ContextPlace Place
    {
        get
        {
            LayerPlace place = spec.Context?.Place ?? default;
            foreach (LayerSpec layer in spec.Context?.Embedding ?? [])
                place = layer.After(place);
            return place.AsContext;
        }
    }

    /// <summary>The context's program: its output stands pixel by pixel, with the channels as neighbours.</summary>
    private FlowProgram? Encoded()
    {
        if (spec.Context is not { Embedding.Length: > 0 })
            return null;
        var (context, encoding, condition) = Condition(encodes: true);
        Region encoded = new(Place.Values, exact: true), nothing = new(0, exact: true), sums = Region.OfSums();
        List<Operation> operations = [.. encoding, new StartOperation(sums, Formula.Fixed(0))];
        var places = from pixel in Enumerable.Range(0, Place.Pixels) from unit in Enumerable.Range(0, Place.Width) select condition!.At(unit, pixel);
        foreach (var group in places.Select((place, to) => (place, to)).GroupBy(each => each.place.Region))
            operations.Add(new CopyOperation(group.Key, [.. group.Select(each => each.place.Offset)], encoded, [.. group.Select(each => each.to)]));
        return new FlowProgram(operations, context, nothing, null, encoded, sums, sums);
    }

    /// <summary>
    /// What the flow is conditioned on: a class as one-hot, then the embedding. Unless the program encodes, it is given what comes out
    /// of the embedding.
    /// </summary>
    private (Region Context, IEnumerable<Operation> Operations, Node? Condition) Condition(bool encodes)
    {
        if (spec.Context is not { } expected)
            return (new Region(0, exact: true), [], null);
        var network = new NetworkCompiler(null);
        if (!encodes && expected.Embedding is { Length: > 0 })
        {
            ContextPlace to = Place;
            Region given = new(to.Values, exact: true);
            int[] sizes = to.Image is var (height, width) ? [to.Width, height, width] : [to.Width];
            Place?[] at = [.. Enumerable.Range(0, to.Values).Select(i => (Place?)new Place(given, i % to.Pixels * to.Width + i / to.Pixels))];
            Node read = network.Input(sizes, at, null);
            read.Shared = true;
            return (given, network.All(), read);
        }
        Region context = new(spec.ContextWidth, exact: true), encoded = expected.Classes is { } classes ? new Region(classes) : context;
        Place?[] places = [.. Enumerable.Range(0, expected.EncodedWidth).Select(i => (Place?)new Place(encoded, i))];
        int[] sizesOfContext = expected.Shape is { } shape ? EventShape.Of(shape, 0).Sizes : [expected.EncodedWidth];
        Node condition = network.Layers(expected.Embedding ?? [], "embedding", network.Input(sizesOfContext, places, null), weights, null);
        condition.Shared = true;
        return (context, [.. expected.Classes is null ? Array.Empty<Operation>() : [new OneHotOperation(context, encoded, expected.EncodedWidth)], .. network.All()], condition);
    }
}
