using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Engines.Compiled;
using FlowCore.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Autoregressive"/>.</summary>
public sealed record AutoregressiveSpec : BijectionSpec
{
    /// <summary>What is done to each feature.</summary>
    public required ElementSpec Element { get; init; }

    /// <summary>The masked network that reads all features, and the context, and emits the element's parameters.</summary>
    public required ConditionerSpec Conditioner { get; init; }

    /// <summary>
    /// The group of each feature: a feature's parameters depend on the features of earlier groups alone. Null for one group a
    /// feature, in the order they have. Few groups make the inverse fast; two make it a kind of coupling.
    /// </summary>
    public int[]? Order { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        int features = at.Vector(shape);
        if (Order is not null)
            CheckOrder(Order, features, at);
        at.Given(Element, "element").Check(at.In("element"), shape);
        at.Given(Conditioner, "conditioner").Check(at.In("conditioner"), shape, (long)features * Element.ParameterCount);
        if (Conditioner.Layers(features * Element.ParameterCount) is not [.., LinearLayerSpec])
            throw at.Refusal("conditioner", "must end in a linear layer, so that the inverse can ask for single features");
    }

    internal override void CheckWeights(SpecScope at, EventShape shape, WeightScope weights)
    {
        int parameters = Element.ParameterCount;
        int[] groups = Order ?? [.. Enumerable.Range(0, shape.Features)], known = [.. groups.Select(group => group + 1)];
        known = LayerSpec.Known(Conditioner.Layers(shape.Features * parameters), "layers", known, LayerPlace.Of(shape), weights.In("conditioner"));
        for (int i = 0; i < known.Length; i++)
            if (known[i] > groups[i / parameters])
                throw at.Refusal("conditioner", $"the parameters of feature {i / parameters} depend on a feature of its own group or a later one; its masks must forbid it");
    }

    private static void CheckOrder(int[] order, int features, SpecScope at)
    {
        if (order.Length != features)
            throw at.Refusal("order", $"has {order.Length} entries for {features} features");
        var found = new bool[features];
        foreach (int group in order)
            if (group >= 0 && group < features)
                found[group] = true;
            else
                throw at.Refusal("order", $"groups are numbered from 0 without gaps, {group} is none of {features} features' groups");
        if (Array.IndexOf(found, false) is >= 0 and var empty && empty < order.Max())
            throw at.Refusal("order", $"groups are numbered from 0 without gaps, group {empty} is empty");
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        if (inverse && weights.Trains)
            throw new NotCompiledException("autoregressive: turned round, it has no way back");
        int[] order = Order ?? [.. Enumerable.Range(0, shape.Features)];
        int[][] groups = Autoregressive.Groups(order);
        Places places = to.InOneRegion();
        int[][] together = inverse ? groups : [ElementParameters.AsTheyStand(places, Enumerable.Range(0, shape.Features))];
        var (network, output) = to.Network(
            Conditioner, shape.Sizes, [.. places.Values.Select(place => (Place?)place)], shape.Features * Element.ParameterCount,
            weights.In("conditioner"), ElementParameters.Order(Element, together), ready: [.. order.Select(group => group + 1)]);
        if (!inverse)
            to.Add(network.All());
        for (int g = 0; g < together.Length; g++)
        {
            if (inverse)
                to.Add(network.Pass(g));
            (int, int)[] values = [.. together[g].Select(feature => (feature, 0))];
            WeightScope element = weights.In("element");
            ElementParameters.Apply(to, Element, inverse, element, shape.Channels, together[g], values,
                ElementParameters.Of(Element, output, element, shape, values));
        }
    }
}

/// <summary>
/// z_i = element(x_i; parameters of x_earlier and the context): forward takes one pass of the masked network, inverse one for
/// each group (Papamakarios, Pavlakou, Murray 2017, "Masked autoregressive flow", arXiv 1705.07057; turned round by
/// <see cref="Inverted"/> it is an inverse autoregressive flow, Kingma et al. 2016, arXiv 1606.04934).
/// </summary>
public sealed class Autoregressive : Bijection
{
    private readonly Element element;
    private readonly Network conditioner;
    private readonly int[][] groups;
    private readonly Element[] groupElements;

    // Of each group its features, and the rows of the last layer that emit their parameters.
    private readonly ModuleList<Constant> group_features;
    private readonly ModuleList<Constant> group_rows;

    internal Autoregressive(AutoregressiveSpec spec, EventShape shape) : base(nameof(Autoregressive))
    {
        int features = shape.Features;
        int[] order = spec.Order ?? [.. Enumerable.Range(0, features)];
        groups = Groups(order);
        element = FlowBuilder.Build(spec.Element, shape);
        groupElements = [.. groups.Select(element.At)];
        conditioner = FlowBuilder.Build(spec.Conditioner, shape, features * element.Parameters);
        if (spec.Conditioner is MadeSpec)
            MadeMasks.Set(conditioner, order, shape.Context.Width, element.Parameters);
        group_features = new([.. groups.Select(group => new Constant(tensor(group, int64)))]);
        group_rows = new([.. groups.Select(group => new Constant(tensor(RowsOf(group))))]);
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor parameters = conditioner.Forward(x, context).reshape(x.shape[0], x.shape[1], element.Parameters);
        ElementMapped mapped = element.Forward(x, parameters);
        return new(mapped.Values.MoveToOuterDisposeScope(), mapped.LogDerivative.sum(1).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor x = zeros_like(z);
        Tensor logDet = zeros_like(z.select(1, 0));
        for (int g = 0; g < groups.Length; g++)
        {
            using var pass = NewDisposeScope();
            // Only this group's outputs: the last layer is the widest, and the element the dearest.
            Tensor group = group_features[g].Values;
            Tensor hidden = conditioner.ForwardToLast(x, context);
            Tensor parameters = conditioner.Last!.Rows(hidden, group_rows[g].Values)
                .reshape(z.shape[0], groups[g].Length, element.Parameters);
            ElementMapped mapped = groupElements[g].Inverse(z.index_select(1, group), parameters);
            x = x.index_copy(1, group, mapped.Values).MoveToOuterDisposeScope();
            logDet = (logDet + mapped.LogDerivative.sum(1)).MoveToOuterDisposeScope();
        }
        return new(x.MoveToOuterDisposeScope(), logDet.MoveToOuterDisposeScope());
    }

    private long[] RowsOf(int[] features) =>
        [.. features.SelectMany(feature => Enumerable.Range(0, element.Parameters).Select(p => (long)feature * element.Parameters + p))];

    internal static int[][] Groups(int[] order)
    {
        var groups = new List<int>[order.Max() + 1];
        for (int i = 0; i < order.Length; i++)
            (groups[order[i]] ??= []).Add(i);
        return [.. groups.Select(group => group.ToArray())];
    }
}
