using FlowCore;
using FlowCore.Densities;
using FlowCore.Training;
using FlowSound;

namespace FlowCli.Training.Sounds;

/// <summary>The sounds of a folder as pieces of one length, each with its mels; whole files are held out, never parts of them.</summary>
internal sealed record SoundFolder(Table Train, Table Validation, Table Test, Sound[] TestSounds, string[] Files, string Sha256, double Seconds)
{
    private const double HeldOutShare = 0.1;
    private const long MostSamples = 1L << 26;

    /// <param name="folder">A folder of WAV files.</param>
    /// <param name="sound">What they must be, and how their mels are taken.</param>
    /// <param name="samples">The length of a piece.</param>
    /// <param name="seed">Which files are held out, and the noise.</param>
    /// <exception cref="FlowException">There are too few, or one is none of this kind.</exception>
    public static SoundFolder Read(string folder, SoundSpec sound, int samples, ulong seed)
    {
        if (!Directory.Exists(folder))
            throw new FlowException($"{folder}: is not a folder; --data names a folder of WAV files");
        string[] files = [.. Directory.EnumerateFiles(folder, "*.wav").Order(StringComparer.Ordinal)];
        if (files.Length < DataSplit.FewestRows)
            throw new FlowException($"{folder}: has {files.Length} WAV files; at least {DataSplit.FewestRows} are needed, so that whole files can be held out");
        var mels = new MelSpectrogram(sound);
        var split = DataSplit.By(new Table([.. Enumerable.Range(0, files.Length).Select(i => (double)i)], 1), seed, HeldOutShare, HeldOutShare);
        var parts = new[] { new Pieces(samples), new Pieces(samples), new Pieces(samples) };
        var tests = new List<Sound>();
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        long total = 0;
        foreach (var (part, table) in new[] { split.Train, split.Validation, split.Test }.Index())
            foreach (double file in table.Values)
            {
                Sound read = Read(files[(int)file], sound, seed + (ulong)file);
                total += read.Samples.Length;
                if (total > MostSamples)
                    throw new FlowException($"{folder}: holds more than {MostSamples} samples; take a part of it");
                parts[part].Add(read, mels.Of(read), sound);
                if (part == 2)
                    tests.Add(read);
            }
        foreach (string file in files)
            hash.AppendData(File.ReadAllBytes(file));
        if (parts.Any(part => part.Count == 0))
            throw new FlowException($"{folder}: its sounds are shorter than a piece of {samples} samples; join them");
        return new(parts[0].Table(), parts[1].Table(), parts[2].Table(), [.. tests], files, Convert.ToHexStringLower(hash.GetHashAndReset()), (double)total / sound.Rate);
    }

    private static Sound Read(string file, SoundSpec sound, ulong seed)
    {
        try
        {
            Sound read = Sound.Read(File.ReadAllBytes(file));
            if (read.Rate != sound.Rate)
                throw new SoundException($"has {read.Rate} samples a second, --rate is {sound.Rate}: resample it, as by sox IN.wav -r {sound.Rate} OUT.wav");
            // Digital silence has no density: a little noise hides it.
            var noise = new float[read.Samples.Length];
            Noise.FillNormal(seed, 0, noise.Length, noise.AsSpan());
            for (int i = 0; i < noise.Length; i++)
                read.Samples[i] += (float)sound.Noise * noise[i];
            return read;
        }
        catch (SoundException e)
        {
            throw new FlowException($"{file}: {e.Message}", e);
        }
    }

    private sealed class Pieces(int samples)
    {
        private readonly List<double> values = [], contexts = [];

        public int Count => values.Count / samples;

        public void Add(Sound sound, float[] mels, SoundSpec spec)
        {
            int frames = mels.Length / spec.Mels, each = samples / spec.Hop;
            for (int first = 0; first + samples <= sound.Samples.Length; first += samples)
            {
                foreach (float value in sound.Samples.AsSpan(first, samples))
                    values.Add(value);
                for (int mel = 0; mel < spec.Mels; mel++)
                    foreach (float value in mels.AsSpan(mel * frames + first / spec.Hop, each))
                        contexts.Add(value);
            }
        }

        public Table Table() => new([.. values], samples, context: new Table([.. contexts], contexts.Count / Math.Max(1, Count)));
    }
}
