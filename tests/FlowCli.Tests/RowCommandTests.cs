using System.Text.Json.Nodes;
using FlowCore.Checkpoints;

namespace FlowCli.Tests;

public sealed class RowCommandTests : IDisposable
{
    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Theory]
    [InlineData("csv", "float32", 1e-4)]
    [InlineData("csv", "float64", 1e-9)]
    [InlineData("npy", "float32", 1e-4)]
    [InlineData("npy", "float64", 1e-9)]
    public void Encoding_and_decoding_bring_the_rows_back(string kind, string type, double tolerance)
    {
        string model = cli.TrainSmall(), x = cli.At($"x.{kind}"), z = cli.At($"z.{kind}"), back = cli.At("back.csv");
        Ok("sample", "--model", model, "--count", "50", "--seed", "7", "--dtype", type, "--output", x);
        Ok("encode", "--model", model, "--input", x, "--dtype", type, "--output", z);
        Ok("decode", "--model", model, "--input", z, "--dtype", type, "--output", back);
        double[] expected = Cli.Columns(Ok("sample", "--model", model, "--count", "50", "--seed", "7", "--dtype", type), "a", "b");
        double[] actual = Cli.Columns(File.ReadAllText(back), "a", "b");
        Assert.Equal(100, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }

    [Fact]
    public void The_log_density_of_samples_is_the_same_by_both_ways()
    {
        string model = cli.TrainSmall();
        Ok("sample", "--model", model, "--count", "20", "--seed", "1", "--dtype", "float64", "--include", "log_prob", "--output", cli.At("s.csv"));
        double[] withDensity = Cli.Columns(File.ReadAllText(cli.At("s.csv")), "log_prob");
        double[] scored = Cli.Numbers(Ok("logprob", "--model", model, "--input", cli.At("s.csv"), "--dtype", "float64"));
        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal(withDensity[i], scored[i], 1e-9));
    }

    [Fact]
    public void Ten_samples_are_the_beginning_of_a_hundred()
    {
        string model = cli.TrainSmall();
        double[] few = Cli.Numbers(Ok("sample", "--model", model, "--count", "10", "--seed", "4"));
        double[] many = Cli.Numbers(Ok("sample", "--model", model, "--count", "100", "--seed", "4"));
        Assert.Equal(few, many[..few.Length]);
        Assert.NotEqual(few, Cli.Numbers(Ok("sample", "--model", model, "--count", "10", "--seed", "5")));
    }

    // The service refuses the same in the same words: UnprocessableTests.
    [Theory]
    [InlineData("0", "1", "--count must lie in 1..2147483647; it is 0")]
    [InlineData("-1", "1", "--count must lie in 1..2147483647; it is -1")]
    [InlineData("1", "0", "--temperature must lie above 0 and up to 100; it is 0")]
    [InlineData("1", "100.5", "--temperature must lie above 0 and up to 100; it is 100.5")]
    [InlineData("1", "nan", "--temperature must lie above 0 and up to 100; it is NaN")]
    [InlineData("1", "1e-46", "--temperature must lie above 0 and up to 100; it is 1E-46, which is 0 in 32 bits")]
    public void Samples_have_the_bounds_of_the_service(string count, string temperature, string words) =>
        Cli.Run("sample", "--model", cli.At("nowhere"), "--count", count, "--temperature", temperature).FailsWith(2, words);

    [Fact]
    public void A_low_temperature_draws_likelier_rows()
    {
        string model = cli.TrainSmall();
        double Mean(string temperature) => Cli.Columns(Ok("sample", "--model", model, "--count", "200", "--seed", "4",
            "--temperature", temperature), "log_prob").Average();
        Assert.True(Mean("0.3") > Mean("1") + 0.3);
    }

    [Fact]
    public void Columns_are_found_by_name_in_any_order()
    {
        string model = cli.TrainSmall();
        double straight = Cli.Numbers(Ok("logprob", "--model", model, "--input", cli.Write("ab.csv", "a,b\n1,2\n")))[0];
        double crossed = Cli.Numbers(Ok("logprob", "--model", model, "--input", cli.Write("ba.csv", "b,a\n2,1\n")))[0];
        double bare = Cli.Numbers(Ok("logprob", "--model", model, "--input", cli.Write("bare.csv", "1,2\n")))[0];
        double german = Cli.Numbers(Ok("logprob", "--model", model, "--input", cli.Write("german.csv", "a;b\n1,0;2,0\n")))[0];
        Assert.Equal([straight, straight, straight], [crossed, bare, german]);
        Cli.Run("logprob", "--model", model, "--input", cli.Write("missing.csv", "a,c\n1,2\n")).FailsWith(1, "column 'b' is missing");
        Cli.Run("logprob", "--model", model, "--input", cli.Write("extra.csv", "a,b,label\n1,2,0\n")).FailsWith(1, "'label'", "--ignore-extra");
        Assert.Equal(straight, Cli.Numbers(Ok("logprob", "--model", model, "--input", cli.At("extra.csv"), "--ignore-extra"))[0]);
    }

    [Fact]
    public void A_row_far_out_has_a_very_low_density_and_is_no_error()
    {
        string model = cli.TrainSmall();
        double[] logProb = Cli.Numbers(Ok("logprob", "--model", model, "--input", cli.Write("far.csv", "a,b\n1e30,1e30\n0,0\n")));
        Assert.Equal(double.NegativeInfinity, logProb[0]);
        Assert.True(double.IsFinite(logProb[1]));
    }

    [Fact]
    public void A_failed_command_leaves_no_output_behind()
    {
        string model = cli.TrainSmall();
        string rows = "a,b\n" + string.Concat(Enumerable.Repeat("1,2\n", 20000)) + "1,x\n";
        Cli.Run("logprob", "--model", model, "--input", cli.Write("late.csv", rows), "--output", cli.At("out.csv")).FailsWith(1, "line 20002", "column 'b'", "'x'");
        Assert.Empty(Directory.EnumerateFiles(cli.At("."), "*out.csv*"));
    }

    [Fact]
    public void A_damaged_checkpoint_is_refused_and_a_sound_one_is_shown()
    {
        string model = cli.TrainSmall();
        string shown = Ok("inspect", "--model", model);
        foreach (string word in new[] { "small", "coupling", "tanh", "act_norm", "sha256", "median test log likelihood", "flow train" })
            Assert.Contains(word, shown, StringComparison.Ordinal);
        Assert.Contains("{type: number, least: ", shown, StringComparison.Ordinal);
        string weights = Path.Combine(model, Checkpoint.WeightsFile);
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[^1] ^= 1;
        File.WriteAllBytes(weights, bytes);
        Cli.Run("inspect", "--model", model).FailsWith(1, "sha256");
        Cli.Run("logprob", "--model", cli.At("nowhere"), "--input", cli.At("data.csv")).FailsWith(1, "nowhere", "not found");
    }

    [Fact]
    public void A_context_for_a_model_without_one_is_refused()
    {
        string model = cli.TrainSmall();
        Cli.Run("logprob", "--model", model, "--input", cli.At("data.csv"), "--context", cli.At("data.csv")).FailsWith(1, "takes no context");
    }

    [Fact]
    public void The_shipped_model_draws_its_density_as_a_picture()
    {
        Ok("density", "--model", Cli.TwoMoons, "--output", cli.At("p.png"));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(cli.At("p.png"))[..4]);
    }

    [Theory]
    [InlineData("two-moons")]
    [InlineData("spiral")]
    public void Shipped_shapes_are_made_by_the_command_that_their_card_names(string name)
    {
        double[] shipped = Cli.Numbers(File.ReadAllText(Path.Combine(Cli.Models, name, $"{name}.csv")));
        string origin = Checkpoint.Read(Path.Combine(Cli.Models, name, "1")).Spec.Provenance!.Data!;
        double[] made = Cli.Numbers(Ok(origin[(origin.IndexOf("flow ", StringComparison.Ordinal) + 5)..].Split(' ')));
        Assert.Equal(shipped.Length, made.Length);
        Assert.All(shipped.Zip(made), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
    }

    [Theory]
    [InlineData("two-moons")]
    [InlineData("spiral")]
    [InlineData("breast-cancer")]
    public void Shipped_models_beat_the_Gaussian_and_no_row_is_absurd(string name)
    {
        FlowCore.TrainingRecord training = Checkpoint.Read(Path.Combine(Cli.Models, name, "1")).Spec.Training!;
        Assert.True(training.MedianTestLogLikelihood > training.GaussianMedianTestLogLikelihood);
        // One absurd row would drag the mean down.
        Assert.True(training.MeanTestLogLikelihood > training.GaussianMeanTestLogLikelihood);
    }

    private static string Ok(params string[] arguments)
    {
        Outcome outcome = Cli.Run(arguments);
        Assert.True(outcome.Code == 0, outcome.Error);
        return outcome.Output;
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("compiled")]
    [InlineData("torch")]
    public void A_base_that_does_not_cover_the_latent_is_refused_by_its_field_whatever_the_engine(string engine)
    {
        string model = cli.At("short/1"), spec = Path.Combine(model, "flow.json");
        Directory.CreateDirectory(model);
        foreach (string file in Directory.EnumerateFiles(Cli.TwoMoons))
            File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
        JsonNode description = JsonNode.Parse(File.ReadAllText(spec))!;
        description["base"] = JsonNode.Parse("""{"kind":"levels","levels":[{"width":1,"base":{"kind":"standard_normal"}}]}""");
        File.WriteAllText(spec, description.ToJsonString());

        Cli.Run("logprob", "--model", model, "--input", cli.Write("rows.csv", "x,y\n0,1\n"), "--engine", engine)
            .FailsWith(1, "base.levels: their widths must add up to 2");
    }
}
