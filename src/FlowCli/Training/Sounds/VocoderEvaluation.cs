using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Training;
using FlowSound;

namespace FlowCli.Training.Sounds;

/// <summary>A trained vocoder on sounds that training did not see.</summary>
/// <param name="LogProb">The log density of each test piece given its mels, in nats, by float64.</param>
/// <param name="Predictor">The same of a linear predictor that was fitted to the training pieces.</param>
/// <param name="RoundTrip">The largest distance of a sample from what its latent decodes to, in float32.</param>
/// <param name="Difference">The largest difference of a log density in float32 from float64's, relative to 1 + that.</param>
/// <param name="Distance">The distance of what it speaks of a test sound's mels from that sound: the root mean square difference of their log mels, in decibels.</param>
internal sealed record VocoderEvaluation(double[] LogProb, double[] Predictor, double RoundTrip, double Difference, double Distance)
{
    private const int MostSpoken = 8, MostPieces = 256;
    private const double Tolerance = 0.05;

    /// <exception cref="FlowException">Float32 cannot compute the flow.</exception>
    public static VocoderEvaluation Of(Checkpoint checkpoint, SoundFolder data, ulong seed)
    {
        SoundSpec sound = checkpoint.Spec.Sound!;
        using FlowEngine<double> exact = Engine.Open<double>(checkpoint);
        using FlowEngine<float> served = Engine.Open<float>(checkpoint);
        double[] logProb = Evaluation.LogProbOf(exact, data.Test);
        var predictor = LinearPredictor.Fit(Rows(data.Train), Rows(data.Train.Context!), sound);
        double[] predicted = [.. Rows(data.Test).Zip(Rows(data.Test.Context!), predictor.LogProbOf)];

        int pieces = Math.Min(MostPieces, data.Test.Rows), width = data.Test.Width;
        float[] x = [.. data.Test.Values.Take(pieces * width).Select(value => (float)value)], z = new float[x.Length], back = new float[x.Length];
        float[] context = [.. data.Test.Context!.Values.Take(pieces * data.Test.Context.Width).Select(value => (float)value)], each = new float[pieces];
        served.Forward(x, context, z, new float[pieces], each);
        double difference = each.Select((value, i) => Math.Abs(value - logProb[i]) / (1 + Math.Abs(logProb[i]))).Max();
        served.Inverse(z, context, back, new float[pieces], new float[pieces]);
        double roundTrip = x.Zip(back, (a, b) => Math.Abs(a - b)).Max();
        if (!(difference <= Tolerance && roundTrip <= Tolerance))
            throw new FlowException($"the trained flow is unstable in float32, so nothing is written: a sample comes back from its latent with an error of {roundTrip:G3}, and a log density differs from float64's by {difference:G3}: take fewer --layers or a lower --lr");

        using var vocoder = new Vocoder(checkpoint);
        double sum = 0;
        long count = 0;
        foreach (Sound original in data.TestSounds.Take(MostSpoken))
        {
            float[] mels = vocoder.Mels.Of(original);
            float[] spoken = vocoder.Mels.Of(new Sound([.. vocoder.Speak(mels, seed).SelectMany(block => block)], sound.Rate));
            for (int i = 0; i < Math.Min(mels.Length, spoken.Length); i++, count++)
                sum += Math.Pow((mels[i] - spoken[i]) * 20 / Math.Log(10), 2);
        }
        return new(logProb, predicted, roundTrip, difference, Math.Sqrt(sum / count));
    }

    private static double[][] Rows(Table table) => [.. Enumerable.Range(0, table.Rows).Select(row => table.Row(row).ToArray())];
}
