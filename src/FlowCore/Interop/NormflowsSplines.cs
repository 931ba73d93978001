using System.Text.Json;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Interop;

/// <summary>normflows' spline layers, plain and circular. The spline's own forward map leads from data to latents.</summary>
internal static class NormflowsSplines
{
    public static Part<BijectionSpec> Coupled(Node args, ForeignWeights source, string prefix, int features)
    {
        prefix += ".prqct";
        int[] transformed = source.Take($"{prefix}.transform_features").ToInts();
        int[] kept = [.. Enumerable.Range(0, features).Except(transformed)];
        source.Drop($"{prefix}.identity_features");
        SplineElementSpec spline = Spline(args, source, prefix);
        SplineTails[]? tails = Circular(args, features);
        LayerList network = new();
        int[] angles = tails is null ? [] : [.. Enumerable.Range(0, kept.Length).Where(i => tails[kept[i]] == SplineTails.Circular)];
        if (angles.Length > 0)
            Periodic(network, source, $"{prefix}.transform_net", angles, spline.Bound);
        NflowsNetworks.Residual(
            source, $"{prefix}.transform_net", args["num_blocks"].Int, Activation.Parse(args["activation"].Text),
            context: args.Optional("num_context_channels") is { Int: > 0 }, epsilon: null, network);
        var (conditioner, weights) = network.Network();
        var spec = new CouplingSpec
        {
            Mask = CouplingMask.Explicit([.. Enumerable.Range(0, features).Select(i => transformed.Contains(i))]),
            Element = Of(spline, tails, transformed) with { RawScale = 1 / Math.Sqrt(args["num_hidden_channels"].Int) },
            Conditioner = conditioner,
        };
        if (!source.Has($"{prefix}.unconditional_transform.unnormalized_widths"))
            return Part.Bijection(spec, ("conditioner", weights));
        return Part.Bijection(
            spec with { KeptElement = Of(spline, tails, kept) },
            ("conditioner", weights),
            ("", new() { ["kept_parameters"] = NflowsSpline.Constants(source, $"{prefix}.unconditional_transform") }));
    }

    public static Part<BijectionSpec> Autoregressive(Node args, ForeignWeights source, string prefix, int features)
    {
        prefix += ".mprqat";
        SplineElementSpec spline = Spline(args, source, prefix);
        SplineTails[]? tails = Circular(args, features);
        SplineElementSpec element = Of(spline, tails, [.. Enumerable.Range(0, features)]);
        LayerList network = new();
        // The library puts its periodic features in front of every circular layer, one without angles included.
        if (tails is not null)
            Periodic(network, source, $"{prefix}.autoregressive_net", [.. Enumerable.Range(0, features).Where(i => tails[i] == SplineTails.Circular)], spline.Bound);
        NormflowsNetworks.Made(args, source, $"{prefix}.autoregressive_net", residual: true, network);
        int[] order = AutoregressiveOrder.Of(network, features, 2 * element.Bins + element.RawSlopes);
        var (conditioner, weights) = network.Network();
        return Part.Bijection(new AutoregressiveSpec { Element = element, Conditioner = conditioner, Order = order }, ("conditioner", weights));
    }

    private static SplineElementSpec Spline(Node args, ForeignWeights source, string prefix)
    {
        if (source.Has($"{prefix}.tail_bound"))
            throw args.Error($"tail_bound: one bound for each feature ('{prefix}.tail_bound') is not supported; scale the features instead, so that one bound fits all");
        var spline = new SplineElementSpec { Bins = args["num_bins"].Int };
        // A layer without the argument has linear tails; an argument of null is a box, [0, 1] whatever the bound.
        bool stated = args.Json.TryGetProperty("tails", out JsonElement tails);
        return (stated && args.Optional("ind_circ") is null ? tails.ValueKind : JsonValueKind.Undefined) switch
        {
            JsonValueKind.Null => spline with { Tails = SplineTails.Box, Lower = 0, Bound = 1 },
            JsonValueKind.String when tails.GetString() == "circular" => spline with { Tails = SplineTails.Circular, Bound = args["tail_bound"].Number },
            JsonValueKind.Undefined => spline with { Bound = args["tail_bound"].Number },
            JsonValueKind.String when tails.GetString() == "linear" => spline with { Bound = args["tail_bound"].Number },
            _ => throw args.Error("tails: must be \"linear\", \"circular\" or null"),
        };
    }

    // The tails of each feature of a circular layer; null for a layer of one kind.
    private static SplineTails[]? Circular(Node args, int features)
    {
        if (args.Optional("ind_circ") is not { } angles)
            return null;
        int[] indices = angles.Ints;
        if (indices.Any(index => index < 0 || index >= features))
            throw angles.Error($"must hold positions in 0..{features - 1}");
        return [.. Enumerable.Range(0, features).Select(i => indices.Contains(i) ? SplineTails.Circular : SplineTails.Linear)];
    }

    private static SplineElementSpec Of(SplineElementSpec spline, SplineTails[]? tails, int[] features) =>
        tails is null ? spline : spline with { FeatureTails = [.. features.Select(feature => tails[feature])] };

    private static void Periodic(LayerList network, ForeignWeights source, string prefix, int[] angles, double bound)
    {
        prefix += ".preprocessing";
        int[] stored = source.Take($"{prefix}.ind").ToInts();
        if (!stored.Order().SequenceEqual(angles))
            throw new ImportException($"tensor '{prefix}.ind' holds [{string.Join(", ", stored)}], ind_circ makes it [{string.Join(", ", angles)}]");
        source.Drop($"{prefix}.ind_", $"{prefix}.inv_perm");
        network.Add(
            new PeriodicFeaturesSpec { Features = stored, Scales = [.. stored.Select(_ => Math.PI / bound)] },
            ("weights", source.Take($"{prefix}.weights", stored.Length, 2)));
    }
}
