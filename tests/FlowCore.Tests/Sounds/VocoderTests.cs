using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Tests.Laws;
using FlowSound;

namespace FlowCore.Tests.Sounds;

public sealed class VocoderTests
{
    private static readonly Checkpoint Model = Random();

    [Theory, InlineData(128), InlineData(250), InlineData(301)]
    public void Blocks_have_the_bits_of_a_sound_made_at_once(int frames)
    {
        using var vocoder = new Vocoder(Model);
        float[] mels = Mels(frames);
        float[][] blocks = [.. vocoder.Speak(mels, seed: 7, temperature: 0.8)];
        float[] whole = [.. vocoder.Speak(mels, seed: 7, temperature: 0.8, wholly: true).SelectMany(block => block)];
        Assert.Equal(frames * 64, whole.Length);
        Assert.Equal(frames > 128, blocks.Length > 1);
        Assert.Equal(whole.Select(BitConverter.SingleToInt32Bits), blocks.SelectMany(block => block).Select(BitConverter.SingleToInt32Bits));
    }

    [Theory, InlineData(1), InlineData(3)]
    public void A_short_sound_is_the_beginning_of_one_whose_last_frame_lasts(int frames)
    {
        using var vocoder = new Vocoder(Model);
        float[] mels = Mels(frames), lasting = [.. from mel in Enumerable.Range(0, 6) from frame in Enumerable.Range(0, 250) select mels[mel * frames + Math.Min(frame, frames - 1)]];
        float[] alone = vocoder.Speak(mels, seed: 3).Single();
        Assert.Equal(frames * 64, alone.Length);
        Assert.Equal(Whole(vocoder, lasting)[..alone.Length].Select(BitConverter.SingleToInt32Bits), alone.Select(BitConverter.SingleToInt32Bits));
    }

    [Fact]
    public void It_sees_no_farther_than_it_says()
    {
        using var vocoder = new Vocoder(Model);
        int frames = 250, at = 125;
        float[] mels = Mels(frames), changed = [.. mels];
        for (int mel = 0; mel < vocoder.Sound.Mels; mel++)
            changed[mel * frames + at] += 1;
        float[] before = Whole(vocoder, mels), after = Whole(vocoder, changed);
        int[] differing = [.. Enumerable.Range(0, before.Length).Where(i => before[i] != after[i])];
        Assert.NotEmpty(differing);
        Assert.InRange(at * 64 - differing[0], 1, vocoder.Overlap);
        Assert.InRange(differing[^1] - (at + 1) * 64, 1, vocoder.Overlap);
    }

    [Fact]
    public void The_density_of_a_sound_is_that_of_its_pieces()
    {
        using var vocoder = new Vocoder(Model);
        int frames = vocoder.Block / 64 + 20;
        float[] mels = Mels(frames), samples = [.. Whole(vocoder, mels), 0.5f];
        var (logProb, counted) = vocoder.LogProbOf(new Sound(samples, 8000), mels);
        Assert.Equal(frames * 64, counted);
        double sum = 0;
        foreach (var (first, count) in new[] { (0, vocoder.Block), (vocoder.Block, 20 * 64) })
        {
            Checkpoint sized = Model with { Spec = Model.Spec with { EventShape = [1, count], Context = Model.Spec.Context! with { Shape = [6, count / 64] } } };
            using FlowEngine<double> torch = Engine.Open<double>(sized, EngineKind.Torch);
            double[] context = [.. from mel in Enumerable.Range(0, 6) from frame in Enumerable.Range(first / 64, count / 64) select (double)mels[mel * frames + frame]];
            var (z, logDet, each) = (new double[count], new double[1], new double[1]);
            torch.Forward([.. samples[first..(first + count)].Select(value => (double)value)], context, z, logDet, each);
            sum += each[0];
        }
        Assert.Equal(sum, logProb, 1e-4 * Math.Abs(sum));
    }

    [Fact]
    public void Mels_that_are_no_whole_frames_are_refused()
    {
        using var vocoder = new Vocoder(Model);
        Assert.Contains("not whole frames of 6", Assert.Throws<SoundException>(() => vocoder.Speak(new float[7], 1).ToList()).Message, StringComparison.Ordinal);
        Assert.Contains("too few", Assert.Throws<SoundException>(() => vocoder.Speak([], 1).ToList()).Message, StringComparison.Ordinal);
    }

    private static float[] Whole(Vocoder vocoder, float[] mels) => [.. vocoder.Speak(mels, seed: 3, wholly: true).SelectMany(block => block)];

    private static float[] Mels(int frames)
    {
        var mels = new float[6 * frames];
        Noise.FillNormal(5, 0, mels.Length, mels.AsSpan());
        return mels;
    }

    private static Checkpoint Random()
    {
        SoundSpec sound = VocoderPreset.SoundOf(8000, noise: 0) with { Mels = 6 };
        using Flow flow = FlowBuilder.Build(VocoderPreset.Create("random", sound, 1024, new PresetSizes(Layers: 3, Hidden: 8)));
        RandomWeights.Fill(flow, seed: 11, scale: 0.2);
        return Checkpoint.Of(flow);
    }
}
