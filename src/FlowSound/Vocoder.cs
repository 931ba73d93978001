using FlowCore;
using FlowCore.Bijections;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;

namespace FlowSound;

/// <summary>
/// A flow over sound as it speaks: mels of any number of frames to samples, block by block, and sounds of any length to their log
/// density. A block overlaps its neighbours by what the flow sees (<see cref="SoundReach"/>), so that its samples have the bits that
/// they have where all is made at once. It is used by one thread at a time.
/// </summary>
public sealed class Vocoder : IDisposable
{
    // Programs for lengths below a block: an utterance's last piece, a single word.
    private const int MostPrograms = 4, LeastBlock = 8192;

    private readonly Checkpoint checkpoint;
    private readonly int threads, group;
    private readonly LinkedList<(int Samples, FlowEngine<float> Engine)> engines = new();

    /// <param name="checkpoint">A flow with a <see cref="FlowSpec.Sound"/>.</param>
    /// <param name="threads">The cores that encoder and flow may use.</param>
    /// <exception cref="FlowException">It is no such flow, or one that sees the whole sound at once.</exception>
    public Vocoder(Checkpoint checkpoint, int threads = 1)
    {
        (this.checkpoint, this.threads) = (checkpoint, threads);
        Sound = checkpoint.Spec.Sound ?? throw new SoundException($"model '{checkpoint.Spec.Name}' is not a flow over sound: its flow.json has no sound");
        if (checkpoint.Spec.Base is not StandardNormalSpec)
            throw new SoundException($"model '{checkpoint.Spec.Name}' has another base than a standard normal: its latents cannot be drawn block by block");
        Mels = new MelSpectrogram(Sound);
        group = GroupOf(checkpoint.Spec.Bijections);
        int frames = (SoundReach.Of(checkpoint.Spec) + Unit - 1) / Unit;
        Overlap = frames * Unit;
        Block = Math.Max(4 * Overlap, (LeastBlock + Unit - 1) / Unit * Unit);
    }

    /// <summary>What its sound is.</summary>
    public SoundSpec Sound { get; }

    public MelSpectrogram Mels { get; }

    /// <summary>The samples of a block.</summary>
    public int Block { get; }

    /// <summary>The samples at either side of a block that its neighbours make.</summary>
    public int Overlap { get; }

    // Whole frames of mels, and whole frames of the squeezed sound.
    private int Unit => Sound.Hop / Greatest(Sound.Hop, group) * group;

    /// <summary>The samples that so many frames of mels become: the last few are cut where the flow's own frames are longer.</summary>
    public int SamplesOf(int frames) => frames * Sound.Hop / Unit * Unit;

    /// <summary>Checks a spectrogram that was sent as rows and columns.</summary>
    /// <exception cref="SoundException">It is none of this model: the message says which it takes.</exception>
    public float[] Checked(float[] values, int rows, int columns)
    {
        if (rows != Sound.Mels)
            throw new SoundException($"the array has the shape ({rows}, {columns}); model '{checkpoint.Spec.Name}' takes mels of the shape ({Sound.Mels}, frames){(columns == Sound.Mels ? ": transpose it" : "")}");
        if (Array.FindIndex(values, value => !float.IsFinite(value)) is >= 0 and var odd)
            throw new SoundException($"mel {odd / columns + 1} of frame {odd % columns + 1} is not a finite number");
        return values;
    }

    /// <summary>Speaks: blocks of samples, in order.</summary>
    /// <param name="mels">[mels, frames], row by row.</param>
    /// <param name="seed">The noise.</param>
    /// <param name="temperature">What it is scaled by.</param>
    /// <param name="wholly">Whether all is made at once, whatever it takes: for comparisons.</param>
    /// <exception cref="SoundException">The mels are none of this model, or too few.</exception>
    public IEnumerable<float[]> Speak(float[] mels, ulong seed, double temperature = 1, bool wholly = false) =>
        Blocks(mels, seed, temperature, wholly).Select(block => block());

    /// <summary>
    /// The same, each block made when it is asked for. A sound shorter than a block is the beginning of a block whose last frame lasts,
    /// so that one program makes sounds of all lengths.
    /// </summary>
    /// <exception cref="SoundException">The mels are none of this model, or too few.</exception>
    public IEnumerable<Func<float[]>> Blocks(float[] mels, ulong seed, double temperature = 1, bool wholly = false)
    {
        int frames = FramesOf(mels), samples = SamplesOf(frames);
        return samples < Block ? [() => Made(Lasting(mels, frames), Block / Sound.Hop, 0, Block, seed, temperature)[..samples]] : Overlapping(wholly ? samples : Block);

        IEnumerable<Func<float[]>> Overlapping(int block)
        {
            for (int done = 0; done < samples;)
            {
                int first = Math.Clamp(done - Overlap, 0, samples - block);
                int end = first + block == samples ? samples : first + block - Overlap;
                Range taken = (done - first)..(end - first);
                yield return () => Made(mels, frames, first, block, seed, temperature)[taken];
                done = end;
            }
        }
    }

    /// <summary>
    /// The log density of a sound given its mels, in nats, and the samples that it is of: the sum over pieces of at most a block, each
    /// given its own mels as in training, of which the last samples are left out where they are not whole frames.
    /// </summary>
    /// <exception cref="SoundException">The mels are none of this model, or the sound is too short.</exception>
    public (double LogProb, int Samples) LogProbOf(Sound sound, float[] mels) =>
        Pieces(sound, mels).Select(piece => piece()).Aggregate((sum, piece) => (sum.LogProb + piece.LogProb, sum.Samples + piece.Samples));

    /// <summary>The same piece by piece, each computed when it is asked for.</summary>
    /// <exception cref="SoundException">The mels are none of this model, or the sound is too short.</exception>
    public IEnumerable<Func<(double LogProb, int Samples)>> Pieces(Sound sound, float[] mels)
    {
        int frames = FramesOf(mels), samples = Math.Min(SamplesOf(frames), sound.Samples.Length / Unit * Unit);
        return samples > 0
            ? Enumerable.Range(0, (samples + Block - 1) / Block).Select(piece => (Func<(double, int)>)(() => Of(piece * Block, Math.Min(Block, samples - piece * Block))))
            : throw new SoundException($"the sound has {sound.Samples.Length} samples; the model scores whole frames of {Unit}");

        (double, int) Of(int first, int count)
        {
            var (z, logDet, logProb) = (new float[count], new float[1], new float[1]);
            Engine(count).Forward(sound.Samples.AsSpan(first, count), Cut(mels, frames, first, count), z, logDet, logProb);
            return (logProb[0], count);
        }
    }

    public void Dispose()
    {
        foreach (var (_, engine) in engines)
            engine.Dispose();
        engines.Clear();
    }

    /// <summary>The frames of mels that were sent.</summary>
    /// <exception cref="SoundException">They are not whole ones, or none.</exception>
    private int FramesOf(float[] mels)
    {
        int frames = mels.Length / Sound.Mels;
        if (mels.Length % Sound.Mels != 0)
            throw new SoundException($"{mels.Length} values are not whole frames of {Sound.Mels} mels");
        if (SamplesOf(frames) == 0)
            throw new SoundException($"{frames} frames of mels are too few: send at least {Unit / Sound.Hop}");
        return frames;
    }

    // The mels of a block that begins with these, and whose last frame lasts to its end.
    private float[] Lasting(float[] mels, int frames)
    {
        int all = Block / Sound.Hop;
        var lasting = new float[Sound.Mels * all];
        for (int mel = 0; mel < Sound.Mels; mel++)
        {
            ReadOnlySpan<float> given = mels.AsSpan(mel * frames, frames);
            Span<float> row = lasting.AsSpan(mel * all, all);
            row.Fill(given[^1]);
            given.CopyTo(row);
        }
        return lasting;
    }

    private float[] Made(float[] mels, int frames, int first, int count, ulong seed, double temperature)
    {
        int positions = count / group;
        float[] noise = new float[group], latents = new float[count], made = new float[count];
        // The noise of a frame depends on where it stands in the whole sound alone.
        for (int position = 0; position < positions; position++)
        {
            Noise.FillNormal(seed, first / group + position, group, noise.AsSpan());
            for (int channel = 0; channel < group; channel++)
                latents[channel * positions + position] = (float)(temperature * noise[channel]);
        }
        Engine(count).Inverse(latents, Cut(mels, frames, first, count), made, new float[1], new float[1]);
        return made;
    }

    private float[] Cut(float[] mels, int frames, int first, int count)
    {
        int from = first / Sound.Hop, taken = count / Sound.Hop;
        var cut = new float[Sound.Mels * taken];
        for (int mel = 0; mel < Sound.Mels; mel++)
            mels.AsSpan(mel * frames + from, taken).CopyTo(cut.AsSpan(mel * taken));
        return cut;
    }

    // The program of a length: the last few are kept.
    private FlowEngine<float> Engine(int samples)
    {
        var found = engines.First;
        while (found is not null && found.Value.Samples != samples)
            found = found.Next;
        if (found is null)
            found = new((samples, FlowCore.Engines.Engine.Open<float>(checkpoint with { Spec = Resized(checkpoint.Spec, samples) }, threads: threads)));
        else
            engines.Remove(found);
        engines.AddFirst(found);
        if (engines.Count > MostPrograms)
        {
            engines.Last!.Value.Engine.Dispose();
            engines.RemoveLast();
        }
        return found.Value.Engine;
    }

    private static FlowSpec Resized(FlowSpec spec, int samples) => spec with
    {
        EventShape = [1, samples],
        Context = spec.Context! with { Shape = [spec.Sound!.Mels, samples / spec.Sound.Hop] },
    };

    private static int GroupOf(BijectionSpec[] bijections) => bijections.Aggregate(1, (product, bijection) => bijection switch
    {
        TimeSqueezeSpec squeeze => product * squeeze.Factor,
        SplitSpec split => product * GroupOf(split.Inner),
        _ => product,
    });

    private static int Greatest(int a, int b) => b == 0 ? a : Greatest(b, a % b);
}
