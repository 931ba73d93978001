using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Training;

namespace FlowCli.Training.Sounds;

/// <summary>From a folder of sounds to a vocoder's checkpoint.</summary>
internal static class VocoderRun
{
    // A quarter of a second: longer than what the flow sees, short enough for a step of several.
    private const int PieceFrames = 32, PiecesAStep = 16;
    private const double NoiseDeviation = 1e-3;

    // What is written is of any length: a short one keeps a service's self-test short.
    private const int WrittenFrames = 4;

    public static void Run(TrainingRequest request, int rate, Terminal terminal)
    {
        var clock = Stopwatch.StartNew();
        NewCheckpoint.Check(request.Out);
        SoundSpec sound = VocoderPreset.SoundOf(rate, NoiseDeviation);
        FlowSpec spec = VocoderPreset.Create(request.Name, sound, PieceFrames * sound.Hop, request.Sizes);
        SoundFolder data = SoundFolder.Read(request.Data, sound, PieceFrames * sound.Hop, request.Options.Seed);
        terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{request.Name}: {request.Preset}, {data.Files.Length} sounds, {data.Seconds:F0} s; pieces of {spec.Width} samples: {data.Train.Rows} to train, {data.Validation.Rows} to validate, {data.Test.Rows} to test"));
        TrainingOptions options = request.OptionsAfter(clock.Elapsed) with { BatchSize = request.Options.BatchSize ?? PiecesAStep, Refit = false };
        var split = new DataSplit(data.Train, data.Validation, data.Test, [.. Enumerable.Range(0, data.Test.Rows)]);
        using TrainedFlow trained = TrainingDisplay.Show(terminal, report => Trainer.Train(spec, split, options, report, terminal.Stop));
        Checkpoint checkpoint = Checkpoint.Of(trained.Flow);
        var evaluation = VocoderEvaluation.Of(checkpoint, data, options.Seed);
        FlowSpec described = checkpoint.Spec with
        {
            EventShape = [1, WrittenFrames * sound.Hop],
            Context = checkpoint.Spec.Context! with { Shape = [sound.Mels, WrittenFrames] },
            Provenance = new Provenance
            {
                Source = "flow train",
                Version = typeof(VocoderRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
                Command = request.Command,
                Data = request.Origin is null ? Path.GetFileName(request.Data) : $"{Path.GetFileName(request.Data)}: {request.Origin}",
                DataSha256 = data.Sha256,
                Created = TimeProvider.System.GetUtcNow(),
            },
            Training = new TrainingRecord
            {
                Seed = options.Seed,
                Rows = data.Train.Rows,
                ValidationRows = data.Validation.Rows,
                TestRows = data.Test.Rows,
                Epochs = trained.Epochs,
                Seconds = Math.Round(trained.Elapsed.TotalSeconds, 1),
                SkippedSteps = trained.SkippedSteps,
                MeanTestLogLikelihood = evaluation.LogProb.Average(),
                MedianTestLogLikelihood = Median.Of(evaluation.LogProb),
                GaussianMeanTestLogLikelihood = evaluation.Predictor.Average(),
                GaussianMedianTestLogLikelihood = Median.Of(evaluation.Predictor),
            },
        };
        (checkpoint with { Spec = described }).Write(request.Out, Card(request, data, trained, evaluation, described));
        terminal.Output.WriteLine(TrainingSummary.Ended(trained));
        terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"test sounds: {evaluation.LogProb.Average() / data.Test.Width:F4} nats a sample, a linear predictor {evaluation.Predictor.Average() / data.Test.Width:F4}; spoken again, {evaluation.Distance:F1} dB from the original's log mels"));
        terminal.Output.WriteLine($"written: {request.Out}");
    }

    private static string Card(TrainingRequest request, SoundFolder data, TrainedFlow trained, VocoderEvaluation evaluation, FlowSpec spec)
    {
        SoundSpec sound = spec.Sound!;
        var card = new StringBuilder();
        card.AppendLine(CultureInfo.InvariantCulture, $"# {spec.Name}").AppendLine();
        card.AppendLine(CultureInfo.InvariantCulture,
            $"A vocoder: a normalizing flow (`{request.Preset}`) over sound of {sound.Rate} samples a second given its mel spectrogram. It turns mels of any number of frames into sound, and gives the exact log density of a sound.").AppendLine();
        if (request.Origin is not null)
            card.AppendLine(CultureInfo.InvariantCulture, $"It learned from: {request.Origin}").AppendLine();
        card.AppendLine("## Held-out sounds").AppendLine();
        card.AppendLine("| | mean, nats a sample | median piece, nats a sample |").AppendLine("|---|---:|---:|");
        foreach (var (name, each) in new[] { ("this flow", evaluation.LogProb), ($"a linear predictor of order {FlowSound.LinearPredictor.Order}", evaluation.Predictor) })
            card.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {each.Average() / data.Test.Width:F4} | {Median.Of(each) / data.Test.Width:F4} |");
        card.AppendLine().AppendLine(CultureInfo.InvariantCulture,
            $"On {data.Test.Rows} pieces of {data.Test.Width} samples of {data.TestSounds.Length} files that training never saw; full scale is 1. The predictor knows the same mels: they shift its mean and decide the variance of its Gaussian noise. "
            + $"White noise of deviation {sound.Noise} was added to every sound, since digital silence has no density. "
            + $"Spoken again from their mels, test sounds lie {evaluation.Distance:F1} dB from the originals (root mean square of log mels). "
            + $"In float32 a sample comes back from its latent within {evaluation.RoundTrip:E1}, and log densities differ from float64's by at most {evaluation.Difference:E1}, relative to 1 + that.");
        card.AppendLine().AppendLine("## Mels").AppendLine();
        card.AppendLine(CultureInfo.InvariantCulture,
            $"Of a Hann window of {sound.FftSize} samples every {sound.Hop}: {sound.Mels} triangular filters on Slaney's scale from {sound.Lowest} to {sound.Highest} Hz, each of unit area, on magnitudes; the natural logarithm of what is at least {sound.Floor}. The sound is mirrored at its ends, and frame f is centred on sample {sound.Hop} f.");
        card.AppendLine().AppendLine("## Data").AppendLine();
        card.AppendLine(CultureInfo.InvariantCulture, $"- {data.Files.Length} WAV files, {data.Seconds:F0} seconds, sha256 of their bytes in the order of their names `{data.Sha256}`");
        card.AppendLine(CultureInfo.InvariantCulture, $"- Pieces: {data.Train.Rows} to train, {data.Validation.Rows} to validate, {data.Test.Rows} to test; files are held out whole, by seed {request.Options.Seed}");
        card.AppendLine().AppendLine("## Training").AppendLine();
        card.AppendLine(CultureInfo.InvariantCulture, $"```\n{request.Command}\n```").AppendLine();
        string ended = TrainingSummary.Ended(trained);
        card.AppendLine(CultureInfo.InvariantCulture, $"{char.ToUpperInvariant(ended[0])}{ended[1..]}.").AppendLine();
        card.AppendLine("## Intended use").AppendLine();
        card.AppendLine("Speaking from mels of sounds like those of the training, at the same rate. A log density ranks sounds of one length; it says nothing of what is said, or by whom.");
        return card.ToString();
    }
}
