using System.Buffers.Binary;
using NAudio.Wave;

namespace FlowSound;

/// <summary>One channel of sound.</summary>
/// <param name="Samples">The samples, full scale being 1.</param>
/// <param name="Rate">Samples a second.</param>
public sealed record Sound(float[] Samples, int Rate)
{
    private const int HeaderBytes = 44, ExtensibleBytes = 22, ExtensibleEncodingAt = 6;

    public double Seconds => (double)Samples.Length / Rate;

    /// <summary>Reads a WAV file of one channel: PCM of 16, 24 or 32 bits, or floats of 32.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="most">The most samples that are taken.</param>
    /// <exception cref="SoundException">It is no such file; the message says why.</exception>
    public static Sound Read(byte[] bytes, int most = int.MaxValue)
    {
        if (bytes.Length == 0)
            throw new SoundException("the sound is empty: send a WAV file");
        if (bytes.Length >= 8 && bytes.AsSpan(0, 4).SequenceEqual("RIFF"u8) && BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4)) + 8L is var promised && promised > bytes.Length)
            throw new SoundException($"the WAV header promises {promised} bytes, the file has {bytes.Length}: it was cut off, or written to a pipe; write it to a file first");
        try
        {
            using var stream = new MemoryStream(bytes, writable: false);
            using var reader = new WaveFileReader(stream);
            WaveFormat format = reader.WaveFormat;
            if (format.Channels != 1)
                throw new SoundException($"the sound has {format.Channels} channels; a model takes one: mix it down, as by sox IN.wav OUT.wav channels 1");
            if (format.SampleRate < 1)
                throw new SoundException("the sound says that it has no samples a second");
            int width = format.BitsPerSample / 8;
            bool isFloat = IsFloat(format);
            if (format.BlockAlign != width)
                throw new SoundException($"the WAV header says {format.BitsPerSample} bits a sample and {format.BlockAlign} bytes: it is damaged");
            long count = reader.Length / Math.Max(1, width);
            if (reader.Length > bytes.Length)
                throw new SoundException($"the WAV header promises {reader.Length} bytes of sound, the file has {bytes.Length} in all: it was cut off");
            if (count == 0)
                throw new SoundException("the WAV file has a header and no samples");
            if (count > most)
                throw new SoundException($"the sound has {count} samples, more than {most}: send it in parts");
            var samples = new float[count];
            if (!isFloat && width is not (2 or 3 or 4) || isFloat && width != 4)
                throw new SoundException($"the sound is {format.Encoding} of {format.BitsPerSample} bits; PCM of 16, 24 or 32 bits and floats of 32 are read");
            byte[] data = new byte[count * width];
            reader.ReadExactly(data);
            for (int i = 0; i < samples.Length; i++)
                samples[i] = Sample(data.AsSpan(i * width, width), isFloat);
            if (Array.FindIndex(samples, sample => !float.IsFinite(sample)) is >= 0 and var odd)
                throw new SoundException($"sample {odd + 1} of the sound is not a finite number");
            return new Sound(samples, format.SampleRate);
        }
        catch (Exception e) when (e is FormatException or InvalidDataException or InvalidOperationException or ArgumentException or EndOfStreamException or OverflowException or OutOfMemoryException or NotSupportedException)
        {
            throw new SoundException($"the sound is not a WAV file ({e.Message.Trim().TrimEnd('.')}): send PCM of 16, 24 or 32 bits, or floats, with a RIFF header");
        }
    }

    /// <summary>The header of a WAV file of 16-bit PCM with so many samples.</summary>
    public static byte[] Header(long samples, int rate)
    {
        byte[] header = new byte[HeaderBytes];
        uint bytes = (uint)checked(samples * 2);
        "RIFF"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), bytes + HeaderBytes - 8);
        "WAVEfmt "u8.CopyTo(header.AsSpan(8));
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(16), 16);
        BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(20), 1);
        BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(22), 1);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(24), rate);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(28), 2 * rate);
        BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(32), 2);
        BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(34), 16);
        "data"u8.CopyTo(header.AsSpan(36));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(40), bytes);
        return header;
    }

    /// <summary>Samples as 16-bit PCM; what is louder than full scale is cut off.</summary>
    public static byte[] Pcm16(ReadOnlySpan<float> samples)
    {
        byte[] bytes = new byte[2 * samples.Length];
        for (int i = 0; i < samples.Length; i++)
            BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(2 * i), (short)Math.Clamp(MathF.Round(samples[i] * 32768f), short.MinValue, short.MaxValue));
        return bytes;
    }

    private static bool IsFloat(WaveFormat format) => EncodingOf(format) switch
    {
        WaveFormatEncoding.IeeeFloat => true,
        WaveFormatEncoding.Pcm => false,
        var other => throw new SoundException($"the sound is encoded as {other}; PCM of 16, 24 or 32 bits and floats of 32 are read"),
    };

    // An extensible header says it behind its common part, in the first two bytes of an identifier (Microsoft, WAVEFORMATEXTENSIBLE).
    private static WaveFormatEncoding EncodingOf(WaveFormat format) =>
        format is WaveFormatExtraData { Encoding: WaveFormatEncoding.Extensible, ExtraSize: >= ExtensibleBytes, ExtraData: var more }
            ? (WaveFormatEncoding)BinaryPrimitives.ReadUInt16LittleEndian(more.AsSpan(ExtensibleEncodingAt))
            : format.Encoding;

    private static float Sample(ReadOnlySpan<byte> bytes, bool isFloat) => bytes.Length switch
    {
        2 => BinaryPrimitives.ReadInt16LittleEndian(bytes) / 32768f,
        3 => ((bytes[0] << 8 | bytes[1] << 16 | bytes[2] << 24) >> 8) / 8388608f,
        _ when isFloat => BinaryPrimitives.ReadSingleLittleEndian(bytes),
        _ => (float)(BinaryPrimitives.ReadInt32LittleEndian(bytes) / 2147483648.0),
    };
}
