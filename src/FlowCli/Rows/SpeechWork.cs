using System.Globalization;
using System.Security.Cryptography;
using FlowCore;
using FlowCore.Checkpoints;
using FlowRows.Npy;
using FlowSound;

namespace FlowCli.Rows;

/// <summary>A WAV file that a vocoder speaks, of mels or of another sound's mels.</summary>
/// <param name="Count">How many were asked for: one, or nothing was said.</param>
/// <param name="Seed">Which noise; null to draw a seed, and name it.</param>
/// <param name="Temperature">What scales it.</param>
/// <param name="ContextFile">The mels, as .npy of the shape (mels, frames), or a .wav to take them of.</param>
/// <param name="Output">The file.</param>
internal sealed record SpeechWork(int? Count, ulong? Seed, double Temperature, string? ContextFile, string Output)
{
    private const long MostBytes = 1 << 28;
    private const long MostDrawnSeed = 1L << 53;

    /// <summary>Whether a file of this name is a sound.</summary>
    public static bool IsSound(string? path) => path is not null && path.EndsWith(".wav", StringComparison.OrdinalIgnoreCase);

    public void Run(Terminal terminal, string model)
    {
        if (Count is { } count and not 1)
            throw new FlowException($"--count: a sound is spoken once, not {count} times; another --seed speaks it again");
        using var vocoder = new Vocoder(Checkpoint.Read(ModelPath.Resolve(model)), Environment.ProcessorCount);
        float[] mels = Mels(vocoder);
        ulong seed = Seed ?? (ulong)RandomNumberGenerator.GetInt32(int.MaxValue) * (MostDrawnSeed / int.MaxValue);
        if (Seed is null)
            terminal.Error.WriteLine($"seed: {seed}");
        int samples = vocoder.SamplesOf(mels.Length / vocoder.Sound.Mels);
        using var file = new UnfinishedFile(Output);
        file.Stream.Write(Sound.Header(samples, vocoder.Sound.Rate));
        foreach (float[] block in vocoder.Speak(mels, seed, Temperature))
        {
            terminal.Stop.ThrowIfCancellationRequested();
            file.Stream.Write(Sound.Pcm16(block));
        }
        file.Complete();
        terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Output}: {(double)samples / vocoder.Sound.Rate:F2} s"));
    }

    private float[] Mels(Vocoder vocoder)
    {
        string path = ContextFile ?? throw new FlowException("--context: is needed: mels as .npy of the shape (mels, frames), or a .wav whose mels are taken");
        if (!File.Exists(path))
            throw new FlowException($"{path}: not found");
        if (new FileInfo(path).Length > MostBytes)
            throw new FlowException($"{path}: is larger than {MostBytes} bytes; take it in parts");
        byte[] bytes = File.ReadAllBytes(path);
        try
        {
            if (IsSound(path))
                return vocoder.Mels.Of(Sound.Read(bytes));
            if (!path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase))
                throw new SoundException("is neither mels, as .npy of the shape (mels, frames), nor a sound, as .wav");
            var (values, rows, columns) = NpyMatrix.Read(bytes);
            return vocoder.Checked(values, rows, columns);
        }
        catch (FlowException e)
        {
            throw new FlowException($"{path}: {e.Message}", e);
        }
    }
}
