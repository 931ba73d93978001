using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore;

/// <summary>
/// A vocoder for training on a CPU: WaveGlow (Prenger, Valle, Catanzaro 2018, arXiv 1811.00002) in small, with a convolutional encoder
/// of the mels in the place of their up-sampling, ActNorm in front of each matrix (Kingma, Dhariwal 2018), and bounded scales.
/// </summary>
public static class VocoderPreset
{
    public const string Name = "vocoder";

    private const int Group = 8, Blocks = 4, EncoderChannels = 64, LeaveEarly = 2;

    // Of one coupling: a voiced sound is known far better from its neighbours than from nothing.
    private const double LargestLogScale = 3;

    /// <summary>Of a rate, the windows, hops and mels that suit speech.</summary>
    public static SoundSpec SoundOf(int rate, double noise) => new()
    {
        Rate = rate,
        Hop = rate <= 12_000 ? 64 : rate <= 24_000 ? 128 : 256,
        FftSize = rate <= 12_000 ? 256 : rate <= 24_000 ? 512 : 1024,
        Mels = 40,
        Highest = rate / 2.0,
        Floor = 1e-3,
        Noise = noise,
    };

    /// <param name="name">The model's name.</param>
    /// <param name="sound">What its sound is.</param>
    /// <param name="samples">The length of the pieces that it learns from; any other length that the hop divides works as well.</param>
    /// <param name="sizes">Couplings and channels of the networks, where the defaults do not do.</param>
    public static FlowSpec Create(string name, SoundSpec sound, int samples, PresetSizes? sizes = null)
    {
        int flows = sizes?.Layers ?? 12, channels = sizes?.Hidden ?? 32;
        var act = new ActivationLayerSpec { Function = Activation.Parse("leaky_relu") };
        return new FlowSpec
        {
            Name = name,
            EventShape = [1, samples],
            Sound = sound,
            Context = new ContextSpec
            {
                Shape = [sound.Mels, samples / sound.Hop],
                Embedding =
                [
                    new StandardizeLayerSpec(), new TimeConvSpec { Channels = EncoderChannels, Kernel = 5 }, act,
                    new TimeConvSpec { Channels = EncoderChannels }, act,
                ],
            },
            Bijections = [new ActNormSpec(), new TimeSqueezeSpec { Factor = Group }, .. Flows(Group, flows, channels, early: true)],
        };
    }

    private static IEnumerable<BijectionSpec> Flows(int group, int count, int channels, bool early)
    {
        int first = early ? (count + 1) / 2 : count;
        for (int i = 0; i < first; i++)
        {
            yield return new ActNormSpec();
            yield return new MatrixSpec();
            yield return new CouplingSpec
            {
                Mask = CouplingMask.SecondHalf,
                Element = new AffineElementSpec { Scale = ScaleMap.Tanh, Bound = LargestLogScale },
                Conditioner = new SequenceSpec
                {
                    Steps = [new TimeConvSpec { Channels = channels, Kernel = 1 }, new WaveNetSpec { Blocks = Blocks }, new TimeConvSpec { Channels = group, Kernel = 1 }],
                },
            };
        }
        if (early && count > first)
            yield return new SplitSpec
            {
                Mask = CouplingMask.Explicit([.. Enumerable.Range(0, group).Select(channel => channel < LeaveEarly)]),
                Order = SplitOrder.SameShape,
                Inner = [.. Flows(group - LeaveEarly, count - first, channels, early: false)],
            };
    }
}
