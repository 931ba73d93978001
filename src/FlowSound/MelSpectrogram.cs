using System.Numerics;
using FftSharp;
using FlowCore;

namespace FlowSound;

/// <summary>
/// Log mels of a sound: frame f is centred on sample f hop, the sound being mirrored at its ends; ln(max(floor, sum of filter x magnitude)).
/// The scale is Slaney's (Auditory Toolbox 1998): linear below 1000 Hz, logarithmic above, each filter of unit area.
/// </summary>
public sealed class MelSpectrogram
{
    private readonly SoundSpec spec;
    private readonly double[] window;
    private readonly (int First, double[] Weights)[] filters;

    public MelSpectrogram(SoundSpec spec)
    {
        this.spec = spec;
        window = [.. Enumerable.Range(0, spec.FftSize).Select(i => 0.5 - 0.5 * Math.Cos(2 * Math.PI * i / spec.FftSize))];
        filters = [.. Enumerable.Range(0, spec.Mels).Select(Filter)];
    }

    /// <summary>The frames of a sound of so many samples: as many as cover it.</summary>
    public int FramesOf(int samples) => (samples + spec.Hop - 1) / spec.Hop;

    /// <summary>[mels, frames], row by row.</summary>
    /// <exception cref="SoundException">The sound has another rate.</exception>
    public float[] Of(Sound sound)
    {
        if (sound.Rate != spec.Rate)
            throw new SoundException($"the sound has {sound.Rate} samples a second, the model takes {spec.Rate}: resample it, as by sox IN.wav -r {spec.Rate} OUT.wav");
        int frames = FramesOf(sound.Samples.Length);
        var mels = new float[spec.Mels * frames];
        double[] part = new double[spec.FftSize], magnitudes = new double[spec.FftSize / 2 + 1];
        for (int frame = 0; frame < frames; frame++)
        {
            for (int i = 0; i < part.Length; i++)
                part[i] = window[i] * sound.Samples[Mirrored(frame * spec.Hop - spec.FftSize / 2 + i, sound.Samples.Length)];
            Complex[] spectrum = FFT.ForwardReal(part);
            for (int bin = 0; bin < magnitudes.Length; bin++)
                magnitudes[bin] = spectrum[bin].Magnitude;
            for (int mel = 0; mel < filters.Length; mel++)
            {
                var (first, weights) = filters[mel];
                double sum = 0;
                for (int i = 0; i < weights.Length; i++)
                    sum += weights[i] * magnitudes[first + i];
                mels[mel * frames + frame] = (float)Math.Log(Math.Max(spec.Floor, sum));
            }
        }
        return mels;
    }

    // ... 2 1 0 1 2 ... n-2 n-1 n-2 ...
    private static int Mirrored(int i, int count)
    {
        if (count == 1)
            return 0;
        int period = 2 * (count - 1), at = (i % period + period) % period;
        return at < count ? at : period - at;
    }

    private (int First, double[] Weights) Filter(int mel)
    {
        double lowest = ToMel(spec.Lowest), step = (ToMel(spec.Highest) - lowest) / (spec.Mels + 1);
        double left = ToHertz(lowest + mel * step), top = ToHertz(lowest + (mel + 1) * step), right = ToHertz(lowest + (mel + 2) * step);
        double[] all = [.. Enumerable.Range(0, spec.FftSize / 2 + 1).Select(bin =>
        {
            double hertz = (double)bin * spec.Rate / spec.FftSize;
            return Math.Max(0, Math.Min((hertz - left) / (top - left), (right - hertz) / (right - top))) * 2 / (right - left);
        })];
        int first = Math.Max(0, Array.FindIndex(all, weight => weight > 0)), last = Math.Max(first, Array.FindLastIndex(all, weight => weight > 0));
        return (first, all[first..(last + 1)]);
    }

    private const double LinearStep = 200.0 / 3, Knee = 1000;

    private static readonly double LogStep = Math.Log(6.4) / 27;

    private static double ToMel(double hertz) => hertz < Knee ? hertz / LinearStep : Knee / LinearStep + Math.Log(hertz / Knee) / LogStep;

    private static double ToHertz(double mel) => mel < Knee / LinearStep ? mel * LinearStep : Knee * Math.Exp((mel - Knee / LinearStep) * LogStep);
}
