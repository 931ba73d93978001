using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled;

/// <summary>A flow as three programs in float64: data to latents, latents to data, noise to latents.</summary>
internal sealed class CompiledFlow
{
    private readonly FlowSpec spec;
    private readonly WeightScope weights;

    private CompiledFlow(FlowSpec spec, WeightScope weights) => (this.spec, this.weights) = (spec, weights);

    public required FlowProgram Forward { get; init; }

    public required FlowProgram Inverse { get; init; }

    public required FlowProgram Latents { get; init; }

    /// <summary>The number of noise values behind one latent.</summary>
    public int NoiseWidth => Latents.Input.Width;

    /// <exception cref="NotCompiledException">A kind of the flow does not compile; the message names its place.</exception>
    /// <exception cref="FlowException">The description contradicts itself, or the weights do not belong to it.</exception>
    public static CompiledFlow Of(Checkpoint checkpoint)
    {
        checkpoint.Check();
        var scope = new WeightScope(checkpoint.Weights);
        var draft = new CompiledFlow(checkpoint.Spec, scope) { Forward = null!, Inverse = null!, Latents = null! };
        return new(checkpoint.Spec, scope) { Forward = draft.Mapped(inverse: false), Inverse = draft.Mapped(inverse: true), Latents = draft.Drawn() };
    }

    /// <summary>
    /// The direction from data to latents of a flow in training: nothing is folded that is learned. The parameters are given by name.
    /// </summary>
    /// <exception cref="NotCompiledException">A kind of the flow does not compile, or has no way back.</exception>
    public static (FlowProgram Program, IReadOnlyDictionary<string, Formula> Parameters) ForTraining(Checkpoint checkpoint)
    {
        checkpoint.Check();
        var parameters = new Dictionary<string, Formula>(StringComparer.Ordinal);
        var draft = new CompiledFlow(checkpoint.Spec, new WeightScope(checkpoint.Weights, parameters)) { Forward = null!, Inverse = null!, Latents = null! };
        return (draft.Mapped(inverse: false), parameters);
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

    private FlowProgram Mapped(bool inverse)
    {
        Region input = new(spec.Width, exact: true), output = new(spec.Width, exact: true), context = new(spec.ContextWidth, exact: true);
        Region logDet = Region.OfSums(), logDensity = Region.OfSums();
        var (encoding, condition) = Condition(context);
        var shape = new EventShape(EventShape.Of(spec.EventShape), condition?.Units ?? 0);
        EventShape latent = shape;
        foreach (BijectionSpec bijection in spec.Bijections)
            latent = bijection.After(latent);

        var flow = new FlowCompiler(condition, logDet)
        {
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
        Region latents = new(spec.Width, exact: true), context = new(spec.ContextWidth, exact: true);
        Region temperature = new(1, exact: true), logDensity = Region.OfSums();
        var (encoding, condition) = Condition(context);
        var density = new DensityCompiler(new DensityRegions(noise, latents, temperature, logDensity), condition);
        spec.Base.Compile(density, 0, spec.Width, weights.In("base_density"));
        return new FlowProgram(
            [.. encoding, new StartOperation(logDensity, Formula.Fixed(0)), .. density.Operations], noise, context, temperature, latents, logDensity, logDensity);
    }

    /// <summary>What the flow is conditioned on: a class as one-hot, then the embedding.</summary>
    private (IEnumerable<Operation> Operations, Node? Condition) Condition(Region context)
    {
        if (spec.Context is not { } expected)
            return ([], null);
        Region encoded = expected.Classes is { } classes ? new Region(classes) : context;
        var network = new NetworkCompiler(null);
        Place?[] places = [.. Enumerable.Range(0, expected.EncodedWidth).Select(i => (Place?)new Place(encoded, i))];
        Node condition = network.Layers(expected.Embedding ?? [], "embedding", network.Input([expected.EncodedWidth], places, null), weights, null);
        condition.Shared = true;
        return ([.. expected.Classes is null ? Array.Empty<Operation>() : [new OneHotOperation(context, encoded, expected.EncodedWidth)], .. network.All()], condition);
    }
}
