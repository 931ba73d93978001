using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Interop;

/// <summary>Collects the layers of an imported network, in order, with their weights.</summary>
internal sealed class LayerList
{
    private readonly List<LayerSpec> specs = [];
    private readonly Dictionary<string, WeightTensor> weights = new(StringComparer.Ordinal);

    public LayerSpec[] Specs => [.. specs];

    public void Add(LayerSpec spec, params (string Name, WeightTensor Tensor)[] tensors)
    {
        foreach (var (name, tensor) in tensors)
            weights.Add($"{specs.Count}.{name}", tensor);
        specs.Add(spec);
    }

    public void Activation(Activation function) => Add(new ActivationLayerSpec { Function = function });

    /// <summary>A linear layer from <c>prefix.weight</c>, <c>prefix.bias</c> and, where it is masked, <c>prefix.mask</c>.</summary>
    public void Linear(ForeignWeights source, string prefix, bool masked = false)
    {
        WeightTensor weight = source.Take($"{prefix}.weight"), bias = source.Take($"{prefix}.bias", weight.Shape[0]);
        var spec = new LinearLayerSpec { Width = (int)weight.Shape[0], Masked = masked };
        if (masked)
            Add(spec, ("weight", weight), ("bias", bias), ("mask", source.Take($"{prefix}.mask", weight.Shape).AsMask()));
        else
            Add(spec, ("weight", weight), ("bias", bias));
    }

    /// <summary>A linear map of the context into a layer that adds it or gates by it.</summary>
    public void ByContext(LayerSpec spec, string field, ForeignWeights source, string prefix)
    {
        WeightTensor weight = source.Take($"{prefix}.weight");
        Add(spec, ($"{field}.weight", weight), ($"{field}.bias", source.Take($"{prefix}.bias", weight.Shape[0])));
    }

    public void BatchNorm(ForeignWeights source, string prefix, double epsilon)
    {
        WeightTensor mean = source.Take($"{prefix}.running_mean");
        source.Drop($"{prefix}.num_batches_tracked");
        Add(new BatchNormLayerSpec { Epsilon = epsilon },
            ("weight", source.Take($"{prefix}.weight", mean.Shape)), ("bias", source.Take($"{prefix}.bias", mean.Shape)),
            ("running_mean", mean), ("running_var", source.Take($"{prefix}.running_var", mean.Shape)));
    }

    /// <summary>PyTorch's LayerNorm, whose variance is divided by n: ours divides by n - 1, and a constant factor makes up for it.</summary>
    public void LayerNorm(ForeignWeights source, string prefix, DescribedNode settings)
    {
        int width = settings["width"].Int;
        if (width < 2)
            throw settings.Error("a LayerNorm over one unit gives a constant; leave it out");
        double share = width / (width - 1.0), epsilon = settings.Optional("eps")?.Number ?? 1e-5;
        Add(new LayerNormSpec { Epsilon = epsilon * share });
        Add(new ScaleLayerSpec { Factor = Math.Sqrt(share) });
        if (!settings["affine"].Flag)
            return;
        WeightTensor weight = source.Take($"{prefix}.weight", width), zeros = TensorSurgery.Floats(new float[width], width);
        WeightTensor ones = TensorSurgery.Floats([.. Enumerable.Repeat(1f, width)], width);
        // A LayerNorm without a bias adds nothing.
        WeightTensor bias = source.Has($"{prefix}.bias") ? source.Take($"{prefix}.bias", width) : zeros;
        Add(new BatchNormLayerSpec { Epsilon = 0 }, ("weight", weight), ("bias", bias), ("running_mean", zeros), ("running_var", ones));
    }

    public void Residual(Action<LayerList> inner)
    {
        var list = new LayerList();
        inner(list);
        Add(new ResidualLayerSpec { Inner = list.Specs }, [.. list.weights.Select(weight => ($"inner.{weight.Key}", weight.Value))]);
    }

    public void Parallel(params LayerList[] branches) => Add(
        new ParallelLayerSpec { Branches = [.. branches.Select(branch => branch.Specs)] },
        [.. branches.SelectMany((branch, b) => branch.weights.Select(weight => ($"branch{b}.{weight.Key}", weight.Value)))]);

    /// <summary>A convolution, with a plain or a normed weight, as the source has it.</summary>
    public void Conv(ForeignWeights source, string prefix, bool bias, double padding = 0)
    {
        bool normed = source.Has($"{prefix}.weight_v");
        WeightTensor weight = source.Take(normed ? $"{prefix}.weight_v" : $"{prefix}.weight");
        var tensors = new List<(string, WeightTensor)> { (normed ? "weight_v" : "weight", weight) };
        if (normed)
            tensors.Add(("weight_g", source.Take($"{prefix}.weight_g", weight.Shape[0], 1, 1, 1)));
        if (bias)
            tensors.Add(("bias", source.Take($"{prefix}.bias", weight.Shape[0])));
        var spec = new ConvLayerSpec
        {
            Channels = (int)weight.Shape[0],
            Kernel = (int)weight.Shape[2],
            Bias = bias,
            Padding = padding,
            WeightNorm = normed,
        };
        Add(spec, [.. tensors]);
    }

    public void SkipSum(Action<LayerList> body, Action<LayerList> skips)
    {
        LayerList blocks = new(), sums = new();
        body(blocks);
        skips(sums);
        Add(new SkipSumSpec { Blocks = blocks.Specs, Skip = (ConvLayerSpec)sums.specs[0] },
            [.. blocks.weights.Select(weight => ($"blocks.{weight.Key}", weight.Value)), .. sums.weights.Select(weight => ($"skips.{weight.Key}", weight.Value))]);
    }

    /// <summary>Rearranges the outputs of the last layer that has weights.</summary>
    public void ReorderOutputs(IReadOnlyList<int> order)
    {
        int last = specs.FindLastIndex(spec => spec is LinearLayerSpec or ConvLayerSpec);
        if (last < 0 || specs.Skip(last + 1).Any(spec => spec is not (ActivationLayerSpec or ScaleLayerSpec or ChannelGainSpec)))
            throw new ImportException("the outputs of this network cannot be rearranged: it does not end in a linear layer");
        int emitted = specs[last] is LinearLayerSpec { Width: var width } ? width : ((ConvLayerSpec)specs[last]).Channels;
        if (order.Count > 0 && order.Max() >= emitted)
            throw new ImportException($"a network emits {emitted} values, the bijection needs {order.Max() + 1}: bins, tails or scale of model.json are not those of the weights");
        for (int i = last; i < specs.Count; i++)
            foreach (string name in new[] { "weight", "weight_g", "weight_v", "bias", "mask", "gain" })
                if (weights.TryGetValue($"{i}.{name}", out WeightTensor? tensor))
                    weights[$"{i}.{name}"] = tensor.Rows(order);
        specs[last] = specs[last] is LinearLayerSpec linear
            ? linear with { Width = order.Count }
            : (ConvLayerSpec)specs[last] with { Channels = order.Count };
    }

    /// <summary>Behind the last layer, one factor and one summand for each output: within a linear layer, or as a layer of their own.</summary>
    public void ScaleOutputs(double[] factors, double[] summands)
    {
        int count = factors.Length, last = specs.Count - 1;
        if (specs[last] is LinearLayerSpec)
        {
            WeightTensor weight = weights[$"{last}.weight"];
            int inputs = (int)weight.Shape[1];
            weights[$"{last}.weight"] = TensorSurgery.Doubles([.. weight.ToDoubles().Select((value, i) => value * factors[i / inputs])], weight.Shape);
            double[] bias = [.. weights[$"{last}.bias"].ToDoubles().Select((value, i) => value * factors[i] + summands[i])];
            weights[$"{last}.bias"] = TensorSurgery.Doubles(bias, count);
            return;
        }
        Add(new BatchNormLayerSpec { Epsilon = 0 },
            ("weight", TensorSurgery.Doubles(factors, count)), ("bias", TensorSurgery.Doubles(summands, count)),
            ("running_mean", TensorSurgery.Doubles(new double[count], count)),
            ("running_var", TensorSurgery.Doubles([.. Enumerable.Repeat(1.0, count)], count)));
    }

    /// <summary>Keeps only these inputs of the first layer.</summary>
    public void SelectInputs(IReadOnlyList<int> inputs)
    {
        int first = specs.FindIndex(spec => spec is LinearLayerSpec or ConvLayerSpec);
        if (first != 0)
            throw new ImportException("the network of a masked layer does not begin with a linear layer, which could leave out what the mask hides");
        foreach (string name in new[] { "weight", "mask" })
            if (weights.TryGetValue($"{first}.{name}", out WeightTensor? tensor))
                weights[$"{first}.{name}"] = tensor.Columns(inputs);
    }

    /// <summary>Which inputs each output sees, following the masks: <c>[outputs][inputs]</c>.</summary>
    public bool[][] Dependencies(int inputs) => Dependencies(specs, "", Identity(inputs));

    public (SequenceSpec Spec, Dictionary<string, WeightTensor> Weights) Network() => (
        new SequenceSpec { Steps = Specs },
        weights.ToDictionary(weight => $"layers.{weight.Key}", weight => weight.Value, StringComparer.Ordinal));

    /// <summary>The same layers behind one that puts the context beside the (here: no) features.</summary>
    public LayerList AfterContext()
    {
        var list = new LayerList();
        list.Add(new ConcatContextSpec());
        for (int i = 0; i < specs.Count; i++)
        {
            string prefix = $"{i}.";
            list.Add(specs[i], [.. weights.Where(weight => weight.Key.StartsWith(prefix, StringComparison.Ordinal))
                .Select(weight => (weight.Key[prefix.Length..], weight.Value))]);
        }
        return list;
    }

    /// <summary>The layers as an embedding of the context.</summary>
    public Part<LayerSpec[]> Embedding() => new(Specs, new(weights, StringComparer.Ordinal));

    private bool[][] Dependencies(IReadOnlyList<LayerSpec> layers, string prefix, bool[][] seen)
    {
        for (int i = 0; i < layers.Count; i++)
            seen = layers[i] switch
            {
                LinearLayerSpec => Through(weights.GetValueOrDefault($"{prefix}{i}.mask") ?? weights[$"{prefix}{i}.weight"], seen),
                ResidualLayerSpec residual => Both(seen, Dependencies(residual.Inner, $"{prefix}{i}.inner.", seen)),
                _ => seen,
            };
        return seen;
    }

    private static bool[][] Through(WeightTensor mask, bool[][] seen)
    {
        double[] values = mask.ToDoubles();
        int columns = (int)mask.Shape[1], inputs = seen[0].Length;
        var result = new bool[mask.Shape[0]][];
        for (int row = 0; row < result.Length; row++)
        {
            result[row] = new bool[inputs];
            // Columns beyond the features are the context's: visible to everybody, and not features.
            for (int column = 0; column < Math.Min(columns, seen.Length); column++)
                if (values[row * columns + column] != 0)
                    for (int input = 0; input < inputs; input++)
                        result[row][input] |= seen[column][input];
        }
        return result;
    }

    private static bool[][] Both(bool[][] a, bool[][] b) =>
        [.. a.Zip(b, (x, y) => x.Zip(y, (p, q) => p || q).ToArray())];

    private static bool[][] Identity(int size) =>
        [.. Enumerable.Range(0, size).Select(i => Enumerable.Range(0, size).Select(j => i == j).ToArray())];
}
