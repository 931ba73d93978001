using System.Text.Json;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Interop;

/// <summary>normflows' spline layers, plain and circular. The spline's own forward map leads from data to latents.</summary>
internal static class NormflowsSplines
{
    public static Part<BijectionSpec> Coupled(DescribedNode args, ForeignWeights source, string prefix, int features)
    {
        prefix += ".prqct";
        int[] transformed = source.Take($"{prefix}.transform_features").ToInts();
        int[] kept = [.. Enumerable.Range(0, features).Except(transformed)];
        source.Drop($"{prefix}.identity_features");
        SplineElementSpec spline = Spline(args);
        SplineTails[]? tails = Circular(args, features);
        LayerList network = new();
        int[] angles = tails is null ? [] : [.. Enumerable.Range(0, kept.Length).Where(i => tails[kept[i]] == SplineTails.Circular)];
        if (angles.Length > 0)
            Periodic(network, args, source, $"{prefix}.transform_net", angles);
        NflowsNetworks.Residual(
            source, $"{prefix}.transform_net", args["num_blocks"].Int, Activation.Parse(args["activation"].Text),
            context: args.Optional("num_context_channels") is { Int: > 0 }, epsilon: null, network, NflowsNetworks.WritesOver(args));
        var (conditioner, weights) = network.Network();
        var spec = new CouplingSpec
        {
            Mask = CouplingMask.Explicit([.. Enumerable.Range(0, features).Select(i => transformed.Contains(i))]),
            Element = Of(args, spline, tails, transformed, source, prefix) with { RawScale = 1 / Math.Sqrt(args["num_hidden_channels"].Int) },
            Conditioner = conditioner,
        };
        string own = $"{prefix}.unconditional_transform";
        if (!source.Has($"{own}.unnormalized_widths"))
            return Part.Bijection(spec, ("conditioner", weights));
        return Part.Bijection(
            spec with { KeptElement = Of(args, spline, tails, kept, source, own) },
            ("conditioner", weights), ("", new() { ["kept_parameters"] = NflowsSpline.Constants(source, own, [kept.Length]) }));
    }

    public static Part<BijectionSpec> Autoregressive(DescribedNode args, ForeignWeights source, string prefix, int features)
    {
        prefix += ".mprqat";
        SplineElementSpec spline = Spline(args);
        SplineTails[]? tails = Circular(args, features);
        SplineElementSpec element = Of(args, spline, tails, [.. Enumerable.Range(0, features)], source, prefix);
        LayerList network = new();
        // The library puts its periodic features in front of every circular layer, one without angles included.
        if (tails is not null)
            Periodic(network, args, source, $"{prefix}.autoregressive_net", [.. Enumerable.Range(0, features).Where(i => tails[i] == SplineTails.Circular)]);
        NormflowsNetworks.Made(args, source, $"{prefix}.autoregressive_net", residual: true, network);
        int[] order = AutoregressiveOrder.Of(network, features, 2 * element.Bins + element.RawSlopes);
        var (conditioner, weights) = network.Network();
        return Part.Bijection(new AutoregressiveSpec { Element = element, Conditioner = conditioner, Order = order }, ("conditioner", weights));
    }

    private static SplineElementSpec Spline(DescribedNode args)
    {
        var spline = new SplineElementSpec { Bins = args["num_bins"].Int };
        // A layer without the argument has linear tails; an argument of null is a box, [0, 1] whatever the bound.
        bool stated = args.Json.TryGetProperty("tails", out JsonElement tails);
        return (stated && args.Optional("ind_circ") is null ? tails.ValueKind : JsonValueKind.Undefined) switch
        {
            JsonValueKind.Null => spline with { Tails = SplineTails.Box, Lower = 0, Bound = 1 },
            JsonValueKind.String when tails.GetString() == "circular" => spline with { Tails = SplineTails.Circular },
            JsonValueKind.Undefined => spline,
            JsonValueKind.String when tails.GetString() == "linear" => spline,
            _ => throw args.Error("tails: must be \"linear\", \"circular\" or null"),
        };
    }

    // The tails of each feature of a circular layer; null for a layer of one kind.
    private static SplineTails[]? Circular(DescribedNode args, int features)
    {
        if (args.Optional("ind_circ") is not { } angles)
            return null;
        int[] indices = angles.Ints;
        if (indices.Any(index => index < 0 || index >= features))
            throw angles.Error($"must hold positions in 0..{features - 1}");
        return [.. Enumerable.Range(0, features).Select(i => indices.Contains(i) ? SplineTails.Circular : SplineTails.Linear)];
    }

    // The bound is a number, or stands in the weights: one for each feature.
    private static SplineElementSpec Of(DescribedNode args, SplineElementSpec spline, SplineTails[]? tails, int[] features, ForeignWeights source, string prefix)
    {
        double[]? bounds = source.Has($"{prefix}.tail_bound") ? source.Take($"{prefix}.tail_bound").Broadcast(features.Length).ToDoubles() : null;
        if (spline.Tails == SplineTails.Box)
            return spline;
        if (tails is not null)
            spline = spline with { FeatureTails = [.. features.Select(feature => tails[feature])] };
        return bounds is null ? spline with { Bound = args["tail_bound"].Number } : spline with { FeatureBounds = bounds };
    }

    private static void Periodic(LayerList network, DescribedNode args, ForeignWeights source, string prefix, int[] angles)
    {
        prefix += ".preprocessing";
        int[] stored = source.Take($"{prefix}.ind").ToInts();
        if (!stored.Order().SequenceEqual(angles))
            throw new ImportException($"tensor '{prefix}.ind' holds [{string.Join(", ", stored)}], ind_circ makes it [{string.Join(", ", angles)}]");
        source.Drop($"{prefix}.ind_", $"{prefix}.inv_perm");
        double[] scales = source.Has($"{prefix}.scale")
            ? source.Take($"{prefix}.scale").Broadcast(stored.Length).ToDoubles()
            : [.. stored.Select(_ => Math.PI / args["tail_bound"].Number)];
        network.Add(new PeriodicFeaturesSpec { Features = stored, Scales = scales }, ("weights", source.Take($"{prefix}.weights", stored.Length, 2)));
    }
}
