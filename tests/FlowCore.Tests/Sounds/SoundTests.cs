using System.Buffers.Binary;
using FlowSound;
using NAudio.Wave;

namespace FlowCore.Tests.Sounds;

public sealed class SoundTests
{
    private static readonly float[] Samples = [0, 0.5f, -0.25f, 0.75f, -1, 0.125f];

    public static TheoryData<WaveFormat, float> Formats => new()
    {
        { new WaveFormat(8000, 16, 1), 1f / 32768 },
        { new WaveFormat(22050, 24, 1), 1f / 8388608 },
        { new WaveFormat(8000, 32, 1), 1f / 8388608 },
        { WaveFormat.CreateIeeeFloatWaveFormat(16000, 1), 0 },
    };

    [Theory, MemberData(nameof(Formats))]
    public void Every_width_of_samples_is_read(WaveFormat format, float tolerance)
    {
        Sound sound = Sound.Read(Written(format, Samples));
        Assert.Equal(format.SampleRate, sound.Rate);
        Assert.Equal(Samples.Length, sound.Samples.Length);
        for (int i = 0; i < Samples.Length; i++)
            Assert.InRange(sound.Samples[i] - Samples[i], -tolerance, tolerance);
    }

    [Theory, InlineData(1, 16), InlineData(1, 24), InlineData(1, 32), InlineData(3, 32)]
    public void An_extensible_header_says_the_same(int encoding, int bits)
    {
        byte[] plain = Written(encoding == 3 ? WaveFormat.CreateIeeeFloatWaveFormat(8000, 1) : new WaveFormat(8000, bits, 1), Samples);
        int at = plain.AsSpan().IndexOf("fmt "u8), length = BinaryPrimitives.ReadInt32LittleEndian(plain.AsSpan(at + 4));
        // The common part, its own length, the valid bits, the place of the channel, and the encoding as an identifier.
        byte[] identifier = [(byte)encoding, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
        byte[] extensible = [.. "fmt "u8, 40, 0, 0, 0, 0xfe, 0xff, .. plain[(at + 10)..(at + 24)], 22, 0, (byte)bits, 0, 4, 0, 0, 0, .. identifier];
        byte[] file = [.. plain[..at], .. extensible, .. plain[(at + 8 + length)..]];
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - 8);
        Assert.Equal(Sound.Read(plain).Samples, Sound.Read(file).Samples);

        file[at + 32] = 7; // mu-law
        Refused(file, "MuLaw");
    }

    [Fact]
    public void What_is_written_is_read_again()
    {
        Sound sound = Sound.Read([.. Sound.Header(Samples.Length, 8000), .. Sound.Pcm16(Samples)]);
        Assert.Equal(8000, sound.Rate);
        Assert.Equal([0, 0.5f, -0.25f, 0.75f, -1, 0.125f], sound.Samples);
        Assert.Equal([255, 127, 0, 128], Sound.Pcm16([3, -3]));
    }

    [Fact]
    public void What_is_no_sound_of_one_channel_is_refused()
    {
        byte[] good = Written(new WaveFormat(8000, 16, 1), Samples);
        Refused([], "is empty");
        Refused([1, 2, 3], "is not a WAV file");
        Refused(good[..20], "cut off");
        Refused(good[..^4], "cut off");
        Refused(Written(new WaveFormat(8000, 16, 2), Samples), "2 channels");
        byte[] eight = [.. good];
        eight[34] = 8;
        Refused(eight, "8 bits");
        Refused(Written(WaveFormat.CreateMuLawFormat(8000, 1), []), "MuLaw");
        Refused(Written(new WaveFormat(8000, 16, 1), []), "no samples");
        Refused(Written(WaveFormat.CreateIeeeFloatWaveFormat(8000, 1), [0, float.NaN]), "sample 2");
        byte[] huge = [.. good];
        BinaryPrimitives.WriteUInt32LittleEndian(huge.AsSpan(Array.IndexOf(huge, (byte)'d', 12) + 4), 0x7fffffff);
        Assert.Equal(Samples.Length, Sound.Read(huge).Samples.Length); // no more than there are
        BinaryPrimitives.WriteUInt32LittleEndian(huge.AsSpan(4), 0x7fffffff);
        Refused(huge, "cut off");
        Assert.Contains("more than 5", Assert.Throws<SoundException>(() => Sound.Read(good, most: 5)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Log_mels_are_those_of_their_definition()
    {
        // Computed by NumPy's FFT from the same definition.
        var spec = new SoundSpec { Rate = 8000, FftSize = 256, Hop = 64, Mels = 10, Lowest = 50, Highest = 3800 };
        float[] samples = [.. Enumerable.Range(0, 1000).Select(t => (float)(0.5 * Math.Sin(2 * Math.PI * 440 * t / 8000) + 0.25 * Math.Cos(2 * Math.PI * 1900 * t / 8000 + t * t * 1e-4)))];
        float[] mels = new MelSpectrogram(spec).Of(new Sound(samples, 8000));
        Assert.Equal(160, mels.Length);
        (int Mel, int Frame, double Value)[] expected = [(0, 0, -1.695521), (3, 5, -10.167432), (9, 2, -11.512925), (5, 10, -11.512925), (7, 14, -2.692107)];
        foreach (var (mel, frame, value) in expected)
            Assert.Equal(value, mels[mel * 16 + frame], 1e-4);
        Assert.Contains("-r 8000", Assert.Throws<SoundException>(() => new MelSpectrogram(spec).Of(new Sound(samples, 16000))).Message, StringComparison.Ordinal);
    }

    private static void Refused(byte[] bytes, string message) =>
        Assert.Contains(message, Assert.Throws<SoundException>(() => Sound.Read(bytes)).Message, StringComparison.Ordinal);

    private static byte[] Written(WaveFormat format, float[] samples)
    {
        using var stream = new MemoryStream();
        using (var writer = new WaveFileWriter(stream, format))
            foreach (float sample in samples)
                writer.WriteSample(sample);
        return stream.ToArray();
    }
}
