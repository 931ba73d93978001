using FlowCore;
using FlowCore.Checkpoints;
using FlowSound;

namespace FlowCli.Tests;

public sealed class VocoderTests : IDisposable
{
    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public void A_folder_of_sounds_becomes_a_vocoder_that_speaks()
    {
        Directory.CreateDirectory(cli.At("sounds"));
        for (int i = 0; i < 20; i++)
            Write($"sounds/{i:00}.wav", Chirp(4500, 200 + 20 * i));
        Outcome trained = Cli.Run(
            "train", "--flow", "vocoder", "--data", cli.At("sounds"), "--rate", "8000", "--out", cli.At("m/1"), "--layers", "2", "--hidden", "8", "--epochs", "2", "--batch", "8", "--threads", "1");
        Assert.True(trained.Code == 0, trained.Error);
        FlowSpec spec = Checkpoint.Read(cli.At("m/1")).Spec;
        Assert.Equal(8000, spec.Sound!.Rate);
        Assert.Equal(spec.EventShape[1], spec.Context!.Shape![1] * spec.Sound.Hop);
        string card = File.ReadAllText(cli.At("m/1/README.md"));
        Assert.Contains("a linear predictor of order 24", card, StringComparison.Ordinal);
        Assert.Contains("40 triangular filters", card, StringComparison.Ordinal);

        Write("one.wav", Chirp(3000, 300));
        Outcome spoken = Cli.Run("sample", "--model", cli.At("m/1"), "--context", cli.At("one.wav"), "--seed", "3", "--output", cli.At("spoken.wav"));
        Assert.True(spoken.Code == 0, spoken.Error);
        Assert.Equal(47 * 64, Sound.Read(File.ReadAllBytes(cli.At("spoken.wav"))).Samples.Length);
        Refused("two of them", "--count", "sample", "--model", cli.At("m/1"), "--context", cli.At("one.wav"), "--count", "2", "--output", cli.At("spoken.wav"));
        Refused("no mels", "--context: is needed", "sample", "--model", cli.At("m/1"), "--output", cli.At("spoken.wav"));
        cli.Write("picture.png", "no sound either");
        Refused("a picture", "is neither mels", "sample", "--model", cli.At("m/1"), "--context", cli.At("picture.png"), "--output", cli.At("spoken.wav"));
        cli.Write("text.wav", "no sound");
        Refused("a text", "not a WAV file", "sample", "--model", cli.At("m/1"), "--context", cli.At("text.wav"), "--output", cli.At("spoken.wav"));
    }

    [Fact]
    public void What_cannot_be_learned_from_is_refused()
    {
        Refused("no folder", "names a folder of WAV files", Train("nothing", 8000));
        Directory.CreateDirectory(cli.At("few"));
        Write("few/a.wav", Chirp(3000, 300));
        Refused("one file", "at least 20 are needed", Train("few", 8000));
        Directory.CreateDirectory(cli.At("many"));
        for (int i = 0; i < 20; i++)
            Write($"many/{i:00}.wav", Chirp(500, 300));
        Refused("another rate", "-r 16000", Train("many", 16000));
        Refused("short ones", "shorter than a piece", Train("many", 8000));

        string[] Train(string folder, int rate) => ["train", "--flow", "vocoder", "--data", cli.At(folder), "--rate", $"{rate}", "--out", cli.At("m/1")];
    }

    private static void Refused(string what, string message, params string[] arguments)
    {
        Outcome outcome = Cli.Run(arguments);
        Assert.True(outcome.Code != 0, what);
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
    }

    private void Write(string name, float[] samples) => File.WriteAllBytes(cli.At(name), [.. Sound.Header(samples.Length, 8000), .. Sound.Pcm16(samples)]);

    private static float[] Chirp(int samples, double hertz) =>
        [.. Enumerable.Range(0, samples).Select(t => (float)(0.3 * Math.Sin(2 * Math.PI * hertz * t / 8000 * (1 + 1e-4 * t))))];
}
