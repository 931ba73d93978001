using FlowCore;
using FlowCore.Bijections;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Training;

namespace FlowCli.Tests;

public sealed class ImageTrainingTests : IDisposable
{
    private static readonly string Digits = Path.Combine(Cli.Models, "digits");

    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Theory]
    [InlineData("glow", "--levels", "3")]
    [InlineData("realnvp-image", "--levels", "2")]
    public void Image_presets_train_with_classes_and_draw_pictures(string preset, params string[] sizes)
    {
        Train(preset, ["--labels", Path.Combine(Digits, "labels.npy"), "--layers", "1", "--hidden", "8", .. sizes]);
        FlowSpec spec = Checkpoint.Read(cli.At("m/1")).Spec;
        Assert.Equal([1, 8, 8], spec.EventShape);
        Assert.Equal(10, spec.Context!.Classes);
        Assert.IsType<ClassNormalSpec>(spec.Base);
        Assert.Equal([1], Assert.IsType<DequantizeSpec>(spec.Bijections[0]).Steps);
        var logit = Assert.IsType<LogitSpec>(spec.Bijections[1]);
        Assert.Equal((-0.5, 16.5), (logit.Lower, logit.Upper));
        string card = File.ReadAllText(cli.At("m/1/README.md"));
        Assert.Contains("images of shape [1, 8, 8] given one of 10 classes", card, StringComparison.Ordinal);
        Assert.Contains("64 ln 17", card, StringComparison.Ordinal);
        cli.Write("classes.csv", "class\n3\n7\n");
        Outcome drawn = Cli.Run("sample", "--model", cli.At("m/1"), "--count", "4", "--seed", "1", "--temperature", "0.7", "--context", cli.At("classes.csv"), "--output", cli.At("grid.png"));
        Assert.True(drawn.Code == 0, drawn.Error);
        Assert.True(new FileInfo(cli.At("grid.png")).Length > 100);
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights()
    {
        byte[] Weights()
        {
            Train("glow", "--labels", Path.Combine(Digits, "labels.npy"), "--layers", "1", "--hidden", "8", "--levels", "1");
            byte[] weights = File.ReadAllBytes(Path.Combine(cli.At("m/1"), Checkpoint.WeightsFile));
            Directory.Delete(cli.At("m"), recursive: true);
            return weights;
        }
        Assert.Equal(Weights(), Weights());
    }

    [Fact]
    public void Without_labels_there_is_no_context_and_a_stated_range_is_kept()
    {
        Train("glow", "--layers", "1", "--hidden", "8", "--range", "0", "20");
        FlowSpec spec = Checkpoint.Read(cli.At("m/1")).Spec;
        Assert.Null(spec.Context);
        Assert.Equal(20.5, Assert.IsType<LogitSpec>(spec.Bijections[1]).Upper);
    }

    [Theory]
    [InlineData(EngineKind.Torch)]
    [InlineData(EngineKind.Compiled)]
    public void Samples_stay_within_the_margin_of_the_pixels_values(EngineKind kind)
    {
        using FlowEngine<double> engine = Engine.Open<double>(Checkpoint.Read(Path.Combine(Digits, "1")), kind);
        const int rows = 200;
        double[] z = new double[rows * 64], x = new double[z.Length], context = [.. Enumerable.Range(0, rows).Select(i => (double)(i % 10))];
        Noise.FillNormal(1, 0, 64, z.AsSpan());
        engine.Latents([.. z], context, [.. Enumerable.Repeat(1.0, rows)], z, new double[rows]);
        engine.Inverse(z, context, x, new double[rows], new double[rows]);
        // alpha = 0.05 lets the ends of the logit stand 17 * 0.05 / 0.9 outside.
        Assert.All(x, value => Assert.InRange(value, -0.5 - 0.945, 16.5 + 0.945));
    }

    [Theory]
    [InlineData(EngineKind.Torch)]
    [InlineData(EngineKind.Compiled)]
    public void The_demo_model_beats_the_yardstick_of_79_5_nats_on_rows_it_never_saw(EngineKind kind)
    {
        Checkpoint demo = Checkpoint.Read(Path.Combine(Digits, "1"));
        Training.TrainingData data = Training.ImageData.Load(
            Cli.Request(Path.Combine(Digits, "digits.npy"), labels: Path.Combine(Digits, "labels.npy")), [1, 8, 8], Cli.Quiet);
        Table test = DataSplit.By(data.Table, demo.Spec.Training!.Seed).Test;
        using Flow flow = demo.BuildFlow();
        Table spread = flow.Bijections.OfType<Dequantize>().Single().Spread(test, seed: 77, stream: 0);
        using FlowEngine<double> engine = Engine.Open<double>(demo, kind);
        double mean = Evaluation.LogProbOf(engine, spread).Average();
        // The datum is pixel + u - 1/2; with x = (pixel + u) / 17 the log density is larger by 64 ln 17.
        double scaled = mean + 64 * Math.Log(17);
        Assert.True(scaled > 79.5, $"{scaled}");
        Assert.Equal(demo.Spec.Training.MeanTestLogLikelihood, mean, 1.0); // other noise, the same rows
    }

    [Theory]
    [InlineData(EngineKind.Torch)]
    [InlineData(EngineKind.Compiled)]
    public void Each_class_is_likeliest_under_its_own_condition(EngineKind kind)
    {
        Training.TrainingData data = Training.ImageData.Load(
            Cli.Request(Path.Combine(Digits, "digits.npy"), labels: Path.Combine(Digits, "labels.npy")), [1, 8, 8], Cli.Quiet);
        Checkpoint demo = Checkpoint.Read(Path.Combine(Digits, "1"));
        Table test = DataSplit.By(data.Table, demo.Spec.Training!.Seed).Test;
        using FlowEngine<double> engine = Engine.Open<double>(demo, kind);
        double[][] byClass = [.. Enumerable.Range(0, 10).Select(k =>
            Evaluation.LogProbOf(engine, new Table(test.Values, test.Width, null, new Table([.. Enumerable.Repeat((double)k, test.Rows)], 1))))];
        int right = Enumerable.Range(0, test.Rows).Count(i => test.Context!.Values[i] == Enumerable.Range(0, 10).MaxBy(k => byClass[k][i]));
        Assert.True(right > 0.9 * test.Rows, $"{right} of {test.Rows}");
    }

    [Fact]
    public void Super_resolution_is_trained_on_the_large_images_alone_and_draws_what_the_small_ones_are()
    {
        Train("sr", "--scale", "2", "--layers", "1", "--hidden", "6");
        FlowSpec spec = Checkpoint.Read(cli.At("m/1")).Spec;
        Assert.Equal([1, 4, 4], spec.Context!.Shape!);
        Assert.Equal((2, 48), (spec.Context.BlockMeans, spec.FreeWidth));
        string card = File.ReadAllText(cli.At("m/1/README.md"));
        foreach (string part in (string[])["given the same 2 times smaller, [1, 4, 4]", "differs from the image it was drawn for by 0 at most", "| bicubic |", "bits/dim by this flow"])
            Assert.Contains(part, card, StringComparison.Ordinal);

        double[] small = [.. Enumerable.Range(0, 16).Select(i => (double)(i * 5 % 17))];
        cli.Write("small.csv", string.Join(",", small) + "\n");
        Outcome drawn = Cli.Run("sample", "--model", cli.At("m/1"), "--count", "2", "--seed", "1", "--context", cli.At("small.csv"), "--header", "no", "--dtype", "float32", "--output", cli.At("large.csv"));
        Assert.True(drawn.Code == 0, drawn.Error);
        foreach (string line in File.ReadLines(cli.At("large.csv")).Skip(1))
        {
            float[] pixels = [.. line.Split(',').Take(64).Select(value => float.Parse(value, System.Globalization.CultureInfo.InvariantCulture))];
            for (int i = 0; i < 16; i++)
            {
                int corner = i / 4 * 16 + i % 4 * 2;
                Assert.Equal((float)small[i], (pixels[corner] + pixels[corner + 1] + pixels[corner + 8] + pixels[corner + 9]) / 4);
            }
        }
        // The density of what was drawn needs no small image beside it, and as a picture it is one again.
        Outcome scored = Cli.Run("logprob", "--model", cli.At("m/1"), "--input", cli.At("large.csv"));
        Assert.True(scored.Code == 0, scored.Error);
        Assert.DoesNotContain("inf", scored.Output, StringComparison.Ordinal);
        Outcome picture = Cli.Run("sample", "--model", cli.At("m/1"), "--count", "1", "--seed", "1", "--context", cli.At("small.csv"), "--header", "no", "--output", cli.At("large.png"));
        Assert.True(picture.Code == 0, picture.Error);
        Outcome again = Cli.Run("logprob", "--model", cli.At("m/1"), "--input", cli.At("large.png"));
        Assert.True(again.Code == 0, again.Error);
    }

    [Theory]
    [InlineData(2, "--scale: must be one of 2, 4, 8", "--flow", "sr", "--event", "1,8,8", "--scale", "3")]
    [InlineData(2, "--scale: is for 'sr'", "--flow", "glow", "--event", "1,8,8", "--scale", "2")]
    [InlineData(2, "--scale: 'nsf' learns tables", "--flow", "nsf", "--scale", "2")]
    [InlineData(2, "--levels: 'sr' is conditioned on the small image", "--flow", "sr", "--event", "1,8,8", "--levels", "2")]
    [InlineData(2, "--event", "--flow", "sr")]
    [InlineData(2, "--event: '8,8' is not a shape", "--flow", "glow", "--event", "8,8")]
    [InlineData(1, "(rows, 1, 7, 8)", "--flow", "glow", "--event", "1,7,8")]
    [InlineData(1, "can be halved 3 times", "--flow", "glow", "--event", "1,8,8", "--levels", "4")]
    [InlineData(1, "reach from 0 to 16, beyond --range 0 15", "--flow", "glow", "--event", "1,8,8", "--range", "0", "15")]
    [InlineData(1, "--range: needs two numbers", "--flow", "glow", "--event", "1,8,8", "--range", "3", "1")]
    [InlineData(2, "'nsf' learns tables", "--flow", "nsf", "--event", "1,8,8")]
    [InlineData(2, "--label: names a column", "--flow", "glow", "--event", "1,8,8", "--label", "x")]
    public void What_does_not_fit_images_is_refused(int code, string reason, params string[] options) =>
        Cli.Run(["train", "--input", Path.Combine(Digits, "digits.npy"), "--out", cli.At("m/1"), .. options]).FailsWith(code, reason);

    [Fact]
    public void Labels_that_do_not_fit_the_images_are_refused()
    {
        string few = cli.Write("few.csv", "class\n" + string.Join('\n', Enumerable.Repeat("0", 7)));
        Cli.Run("train", "--input", Path.Combine(Digits, "digits.npy"), "--labels", few, "--flow", "glow", "--event", "1,8,8", "--out", cli.At("m/1"))
            .FailsWith(1, few, "has 7 labels for the 1797 images");
        string wide = Path.Combine(Digits, "digits.npy");
        Cli.Run("train", "--input", wide, "--labels", wide, "--flow", "glow", "--event", "1,8,8", "--out", cli.At("m/1")).FailsWith(1, "(rows, 1)");
    }

    private void Train(string preset, params string[] options)
    {
        Outcome outcome = Cli.Run([
            "train", "--input", Path.Combine(Digits, "digits.npy"), "--flow", preset, "--event", "1,8,8", "--epochs", "1", "--out", cli.At("m/1"), .. options]);
        Assert.True(outcome.Code == 0, outcome.Error);
    }
}
