namespace FlowCore;

/// <summary>
/// How the sound of a vocoder is sampled, and how the mel spectrogram that it is conditioned on is taken of a sound: logarithms of the magnitudes
/// of a short-time Fourier transform with a Hann window, summed by triangular filters on the mel scale (Slaney's, each of unit area).
/// </summary>
public sealed record SoundSpec
{
    /// <summary>Samples a second.</summary>
    public required int Rate { get; init; }

    /// <summary>The samples of a window of the Fourier transform: a power of two.</summary>
    public required int FftSize { get; init; }

    /// <summary>The samples from one frame of mels to the next.</summary>
    public required int Hop { get; init; }

    /// <summary>The number of mel filters.</summary>
    public required int Mels { get; init; }

    /// <summary>The frequency at which the first filter begins, in hertz.</summary>
    public double Lowest { get; init; }

    /// <summary>The frequency at which the last filter ends, in hertz.</summary>
    public required double Highest { get; init; }

    /// <summary>Magnitudes below it are taken for it, so that silence has a logarithm.</summary>
    public double Floor { get; init; } = 1e-5;

    /// <summary>The deviation of the white noise, full scale being 1, that was added to the sounds of the training.</summary>
    public double Noise { get; init; }

    internal void Check(SpecScope at)
    {
        at.Within("rate", Rate, 1000, 192_000);
        at.Within("fft_size", FftSize, 16, 1 << 14);
        if (!int.IsPow2(FftSize))
            throw at.Refusal("fft_size", $"must be a power of two, is {FftSize}");
        at.Within("hop", Hop, 1, FftSize);
        at.Within("mels", Mels, 1, FftSize / 2);
        at.NotNegative("lowest", Lowest);
        at.Positive("highest", Highest);
        if (Lowest >= Highest || Highest > Rate / 2.0)
            throw at.Refusal("highest", $"must lie above lowest, {Lowest}, and at most at half of the rate, {Rate / 2.0}; it is {Highest}");
        at.Positive("floor", Floor);
        at.NotNegative("noise", Noise);
    }
}
