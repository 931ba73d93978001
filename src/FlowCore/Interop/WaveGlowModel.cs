using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>
/// NVIDIA/waveglow and tianrengao/SqueezeWave, whose <c>model.json</c> is the repository's own configuration: <c>data_config</c>, and
/// <c>waveglow_config</c> or <c>squeezewave_config</c>. Weight norm may still be in the weights, or be removed.
/// </summary>
internal static class WaveGlowModel
{
    // What is written is of any length: a short one keeps self-tests short.
    private const int WrittenFrames = 2;

    // The repositories' dynamic_range_compression.
    private const double LeastMagnitude = 1e-5;

    public static Imported Import(DescribedNode root, ForeignWeights source, bool separable)
    {
        DescribedNode config = root[separable ? "squeezewave_config" : "waveglow_config"], data = root["data_config"];
        int mels = config["n_mel_channels"].Int, group = config[separable ? "n_audio_channel" : "n_group"].Int, hop = data["hop_length"].Int;
        if (data.Optional("win_length") is { } window && window.Int != data["filter_length"].Int)
            throw window.Error($"is not filter_length, {data["filter_length"].Int}: such windows are not read");
        if (group < 2 || hop < 1 || (separable ? hop : WrittenFrames * hop) % group != 0)
            throw config.Error($"groups of {group} samples do not divide a hop of {hop}");
        Part<LayerSpec[]> encoder = separable ? new([], []) : Upsampled(source, mels, hop, group);
        int read = separable ? mels : mels * group;
        List<Part<BijectionSpec>> parts = [Part.Of<BijectionSpec>(new TimeSqueezeSpec { Factor = group }), .. Flows(config, source, 0, group, read, separable)];
        return new Imported([1, WrittenFrames * hop], parts, Part.Of<BaseDensitySpec>(new StandardNormalSpec()))
        {
            Context = new ContextSpec { Shape = [mels, WrittenFrames], Embedding = encoder.Spec.Length == 0 ? null : encoder.Spec },
            EmbeddingWeights = encoder.Weights,
            Sound = new SoundSpec
            {
                Rate = data["sampling_rate"].Int,
                FftSize = data["filter_length"].Int,
                Hop = hop,
                Mels = mels,
                Lowest = data["mel_fmin"].Number,
                Highest = data.Optional("mel_fmax")?.Number ?? data["sampling_rate"].Int / 2.0,
                Floor = LeastMagnitude,
            },
        };
    }

    // The mels, up-sampled to samples, side by side for each group of them.
    private static Part<LayerSpec[]> Upsampled(ForeignWeights source, int mels, int hop, int group)
    {
        WeightTensor weight = source.Take("upsample.weight");
        if (weight.Shape is not [_, _, var kernel])
            throw new ImportException($"tensor 'upsample.weight' is {weight.Describe()}, a transposed convolution has three axes");
        return new(
            [new TransposedTimeConvSpec { Channels = mels, Kernel = (int)kernel, Stride = hop }, new SqueezeFramesSpec { Factor = group }],
            new Dictionary<string, WeightTensor>(StringComparer.Ordinal)
            {
                ["0.weight"] = weight.Reshape(mels, mels, kernel),
                ["0.bias"] = source.Take("upsample.bias", mels),
            });
    }

    private static List<Part<BijectionSpec>> Flows(DescribedNode config, ForeignWeights source, int first, int channels, int read, bool separable)
    {
        int count = config["n_flows"].Int, every = config["n_early_every"].Int, early = config["n_early_size"].Int;
        var parts = new List<Part<BijectionSpec>>();
        for (int k = first; k < count; k++)
        {
            if (k > first && k % every == 0)
            {
                if (early < 1 || early >= channels)
                    throw config.Error($"n_early_size: {early} of {channels} channels cannot leave");
                parts.Add(Parts.Split(
                    CouplingMask.Explicit([.. Enumerable.Range(0, channels).Select(channel => channel < early)]), SplitOrder.SameShape,
                    Flows(config, source, k, channels - early, read, separable)));
                return parts;
            }
            parts.Add(Part.Of<BijectionSpec>(new MatrixSpec { Form = MatrixForm.Plain }, ("weight", source.Take($"convinv.{k}.conv.weight").Reshape(channels, channels))));
            parts.Add(Coupling(config["WN_config"], source, $"WN.{k}", channels, read, separable));
        }
        return parts;
    }

    private static Part<BijectionSpec> Coupling(DescribedNode config, ForeignWeights source, string prefix, int channels, int read, bool separable)
    {
        int blocks = config["n_layers"].Int, hidden = config["n_channels"].Int, kernel = config["kernel_size"].Int, half = channels / 2;
        bool normed = !source.Has($"{prefix}.start.weight"), batchNorm = source.Has($"{prefix}.in_layers.0.0.running_mean");
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        void Put(string name, Dictionary<string, WeightTensor> layer, int first, int count, bool isMap = false)
        {
            foreach (var (key, tensor) in layer)
            {
                WeightTensor own = tensor.Rows([.. Enumerable.Range(first, count)]);
                weights.Add($"layers.{name}.{key}", isMap && key != "bias" ? own with { Shape = own.Shape[..2] } : own);
            }
        }

        Put("0", Layer(source, $"{prefix}.start", normed, hidden, half, 1), 0, hidden);
        Dictionary<string, WeightTensor> ofMels = Layer(source, $"{prefix}.cond_layer", normed, 2 * hidden * blocks, read, 1);
        for (int i = 0; i < blocks; i++)
        {
            string block = $"{prefix}.in_layers.{i}";
            if (separable)
            {
                Dictionary<string, WeightTensor> depthwise = Depthwise(source, block, batchNorm, hidden, kernel);
                Put($"1.gate{i}.0", depthwise, 0, hidden);
                Put($"1.gate{i}.1", Layer(source, $"{block}.{(batchNorm ? 2 : 1)}", false, 2 * hidden, hidden, 1), 0, 2 * hidden);
            }
            else
                Put($"1.gate{i}.0", Layer(source, block, normed, 2 * hidden, hidden, kernel), 0, 2 * hidden);
            Put($"1.gate{i}.{(separable ? 2 : 1)}", ofMels, 2 * hidden * i, 2 * hidden, isMap: true);
            // Of two halves the first goes on, the second is summed; the last one, and those of SqueezeWave, have one.
            bool both = !separable && i < blocks - 1;
            Dictionary<string, WeightTensor> last = Layer(source, $"{prefix}.res_skip_layers.{i}", normed, (both ? 2 : 1) * hidden, hidden, 1);
            if (both || separable)
                Put($"1.residual{i}", last, 0, hidden);
            if (!separable)
                Put($"1.skip{i}", last, both ? hidden : 0, hidden);
        }
        int[] pairs = Parts.PairsOfHalves(half, shiftFirst: true);
        weights.Add("layers.2.weight", source.Take($"{prefix}.end.weight", 2 * half, hidden, 1).Rows(pairs));
        weights.Add("layers.2.bias", source.Take($"{prefix}.end.bias", 2 * half).Rows(pairs));
        var body = new WaveNetSpec { Blocks = blocks, Kernel = kernel, WeightNorm = normed };
        var network = new SequenceSpec
        {
            Steps =
            [
                new TimeConvSpec { Channels = hidden, Kernel = 1, WeightNorm = normed },
                separable ? body with { DilationGrowth = 1, Separable = true, BatchNorm = batchNorm, Skips = false } : body,
                new TimeConvSpec { Channels = 2 * half, Kernel = 1 },
            ],
        };
        return Part.Bijection(
            new CouplingSpec { Mask = CouplingMask.SecondHalf, Element = new AffineElementSpec { Scale = ScaleMap.Exp }, Conditioner = network }, ("conditioner", weights));
    }

    // Behind a batch norm; or with the norm folded into it, as the repository does before it speaks.
    private static Dictionary<string, WeightTensor> Depthwise(ForeignWeights source, string block, bool batchNorm, int hidden, int kernel)
    {
        Dictionary<string, WeightTensor> layer = Layer(source, $"{block}.{(batchNorm ? 1 : 0)}", false, hidden, 1, kernel);
        if (!batchNorm)
            return layer;
        foreach (var (ours, theirs) in new[] { ("norm_weight", "weight"), ("norm_bias", "bias"), ("running_mean", "running_mean"), ("running_var", "running_var") })
            layer.Add(ours, source.Take($"{block}.0.{theirs}", hidden));
        source.Drop($"{block}.0.num_batches_tracked");
        return layer;
    }

    // A convolution's weight, or the direction and the length that it is stored as, by the names of either age of PyTorch; and its bias.
    private static Dictionary<string, WeightTensor> Layer(ForeignWeights source, string prefix, bool normed, params long[] shape)
    {
        var layer = new Dictionary<string, WeightTensor>(StringComparer.Ordinal) { ["bias"] = source.Take($"{prefix}.bias", shape[0]) };
        bool old = source.Has($"{prefix}.weight_g");
        if (!normed)
            layer.Add("weight", source.Take($"{prefix}.weight", shape));
        else
        {
            layer.Add("weight_g", source.Take($"{prefix}.{(old ? "weight_g" : "parametrizations.weight.original0")}", [shape[0], 1, 1]));
            layer.Add("weight_v", source.Take($"{prefix}.{(old ? "weight_v" : "parametrizations.weight.original1")}", shape));
        }
        return layer;
    }
}
