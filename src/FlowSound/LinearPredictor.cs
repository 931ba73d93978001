using FlowCore;

namespace FlowSound;

/// <summary>
/// What a vocoder must beat: each sample a linear map of the samples before it in its piece and of its frame's mels, with Gaussian noise
/// whose log variance is another linear map of the mels. Both are fitted by maximum likelihood, in turns.
/// </summary>
public sealed class LinearPredictor
{
    /// <summary>The samples before one that it is predicted from.</summary>
    public const int Order = 24;

    // Samples to fit: far more than the numbers that are fitted.
    private const int MostSamples = 200_000, Turns = 4, NewtonSteps = 8;
    private const double Ridge = 1e-6;

    private readonly SoundSpec sound;
    private readonly double[] mean, scale;
    private readonly double[] weights, logVariance;

    private LinearPredictor(SoundSpec sound, double[] mean, double[] scale)
    {
        (this.sound, this.mean, this.scale) = (sound, mean, scale);
        (weights, logVariance) = (new double[Order + sound.Mels + 1], new double[sound.Mels + 1]);
    }

    /// <param name="pieces">Pieces of sound, each as long as the others.</param>
    /// <param name="mels">[mels, frames] of each.</param>
    /// <param name="sound">What they are.</param>
    public static LinearPredictor Fit(IReadOnlyList<double[]> pieces, IReadOnlyList<double[]> mels, SoundSpec sound)
    {
        int frames = mels[0].Length / sound.Mels;
        var (mean, scale) = (new double[sound.Mels], new double[sound.Mels]);
        for (int mel = 0; mel < sound.Mels; mel++)
        {
            double sum = 0, square = 0;
            foreach (double[] each in mels)
                foreach (double value in each.AsSpan(mel * frames, frames))
                    (sum, square) = (sum + value, square + value * value);
            double count = (double)mels.Count * frames;
            (mean[mel], scale[mel]) = (sum / count, Math.Sqrt(Math.Max(1e-12, square / count - sum / count * (sum / count))));
        }
        var predictor = new LinearPredictor(sound, mean, scale);
        predictor.Fit(pieces, mels);
        return predictor;
    }

    /// <summary>The log density of a piece, in nats.</summary>
    public double LogProbOf(double[] piece, double[] mels)
    {
        double[] features = new double[weights.Length];
        double sum = 0;
        for (int t = 0; t < piece.Length; t++)
        {
            Read(piece, mels, t, features);
            double log = Dot(logVariance, features.AsSpan(Order)), error = piece[t] - Dot(weights, features);
            sum -= 0.5 * (Math.Log(2 * Math.PI) + log + error * error * Math.Exp(-log));
        }
        return sum;
    }

    private void Fit(IReadOnlyList<double[]> pieces, IReadOnlyList<double[]> mels)
    {
        long all = (long)pieces.Count * pieces[0].Length;
        int every = (int)Math.Max(1, all / MostSamples), size = weights.Length, ofVariance = logVariance.Length;
        var features = new List<double[]>();
        var targets = new List<double>();
        for (long i = 0; i < all; i += every)
        {
            int piece = (int)(i / pieces[0].Length), t = (int)(i % pieces[0].Length);
            var row = new double[size];
            Read(pieces[piece], mels[piece], t, row);
            features.Add(row);
            targets.Add(pieces[piece][t]);
        }
        for (int turn = 0; turn < Turns; turn++)
        {
            double[] matrix = new double[size * size], right = new double[size];
            for (int i = 0; i < features.Count; i++)
            {
                double precision = turn == 0 ? 1 : Math.Exp(-Dot(logVariance, features[i].AsSpan(Order)));
                Add(matrix, features[i], precision);
                for (int k = 0; k < size; k++)
                    right[k] += precision * features[i][k] * targets[i];
            }
            Solve(matrix, right).CopyTo(weights, 0);
            double[] squares = [.. features.Select((row, i) => Math.Pow(targets[i] - Dot(weights, row), 2))];
            if (turn == 0)
                logVariance[^1] = Math.Log(squares.Average());
            for (int step = 0; step < NewtonSteps; step++)
            {
                double[] hessian = new double[ofVariance * ofVariance], gradient = new double[ofVariance];
                for (int i = 0; i < squares.Length; i++)
                {
                    ReadOnlySpan<double> row = features[i].AsSpan(Order);
                    double ratio = Math.Min(1e3, squares[i] * Math.Exp(-Dot(logVariance, row)));
                    // Where noise is far below what is assumed the curvature vanishes: the expected one never does.
                    Add(hessian, row, Math.Max(0.2, ratio));
                    for (int k = 0; k < ofVariance; k++)
                        gradient[k] += (ratio - 1) * row[k];
                }
                double[] update = Solve(hessian, gradient);
                for (int k = 0; k < ofVariance; k++)
                    logVariance[k] += update[k];
            }
        }
    }

    // [the samples before, the mels, 1].
    private void Read(double[] piece, double[] mels, int t, double[] into)
    {
        int frames = mels.Length / sound.Mels, frame = Math.Min(t / sound.Hop, frames - 1);
        for (int k = 0; k < Order; k++)
            into[k] = t - 1 - k >= 0 ? piece[t - 1 - k] : 0;
        for (int mel = 0; mel < sound.Mels; mel++)
            into[Order + mel] = (mels[mel * frames + frame] - mean[mel]) / scale[mel];
        into[^1] = 1;
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static void Add(double[] matrix, ReadOnlySpan<double> row, double factor)
    {
        for (int i = 0, at = 0; i < row.Length; i++)
        {
            double each = factor * row[i];
            for (int j = 0; j < row.Length; j++, at++)
                matrix[at] += each * row[j];
        }
    }

    // By Cholesky, with a ridge in proportion to the diagonal.
    private static double[] Solve(double[] matrix, double[] right)
    {
        int n = right.Length;
        var lower = new double[n * n];
        var solution = new double[n];
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++)
            {
                double sum = matrix[i * n + j] + (i == j ? Ridge * matrix[i * n + i] + 1e-12 : 0) - Dot(lower.AsSpan(i * n, j), lower.AsSpan(j * n, j));
                lower[i * n + j] = i == j ? Math.Sqrt(Math.Max(sum, 1e-12)) : sum / lower[j * n + j];
            }
        for (int i = 0; i < n; i++)
            solution[i] = (right[i] - Dot(lower.AsSpan(i * n, i), solution)) / lower[i * n + i];
        for (int i = n - 1; i >= 0; i--)
        {
            for (int j = i + 1; j < n; j++)
                solution[i] -= lower[j * n + i] * solution[j];
            solution[i] /= lower[i * n + i];
        }
        return solution;
    }
}
