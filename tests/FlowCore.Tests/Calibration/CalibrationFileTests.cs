using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Training;

namespace FlowCore.Tests.Calibration;

public sealed class CalibrationFileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flow-calibration-");
    private static readonly FlowSpec Spec = FlowPresets.Create("realnvp", "small", 3) with { Weights = new("weights.safetensors", new string('a', 64)) };

    private string Path => System.IO.Path.Combine(folder.FullName, CalibrationSet.File);

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void It_comes_back_as_it_was_written()
    {
        CalibrationSet set = Set(2500);
        set.Write(folder.FullName, Spec);

        CalibrationSet read = CalibrationSet.Read(folder.FullName, Spec)!;

        Assert.Equal((2500, ReferenceRows.Most), (read.Count, read.Reference.Count));
        Assert.Equal(set.LogProb.Scores(), read.LogProb.Scores());
        Assert.Equal(set.LatentNorm2.Scores(), read.LatentNorm2.Scores());
        Assert.Equal(set.Reference.Values, read.Reference.Values);
        Assert.Equal(set.Columns.Mean, read.Columns.Mean);
        Assert.InRange(read.Columns.Deviation[1], 0.95, 1.05);
        Assert.Single(folder.GetFiles()); // nothing is left beside it
    }

    [Fact]
    public void The_reference_rows_are_a_sample_of_all_rows()
    {
        ReferenceRows reference = Set(20000).Reference;
        double[] first = [.. Enumerable.Range(0, reference.Count).Select(row => (double)reference.Values[row * 3])];

        Assert.Equal(ReferenceRows.Most, reference.Count);
        Assert.InRange(first.Average(), -0.15, 0.15);
        Assert.Equal(first.Length, first.Distinct().Count());
    }

    [Fact]
    public void A_model_without_the_file_has_no_calibration() => Assert.Null(CalibrationSet.Read(folder.FullName, Spec));

    [Theory]
    [InlineData("log_prob", "missing")]
    [InlineData("other", "unknown")]
    [InlineData("reference", "3")]
    [InlineData("latent_norm2", "not sorted")]
    [InlineData("mean", "infinity")]
    [InlineData("kernel", "not sorted")]
    [InlineData("combined", "not sorted")]
    [InlineData("kernel_rows", "between 1 and")]
    [InlineData("kernel_inputs", "does not ascend")]
    [InlineData("kernel_outputs", "is needed")]
    [InlineData("weights_sha256", "other weights")]
    public void A_damaged_file_is_refused_by_its_tensor(string name, string words)
    {
        Dictionary<string, WeightTensor> tensors = Safetensors.Read(CalibrationFile.Bytes(Set(40), Spec), "x");
        byte[] bytes = tensors.TryGetValue(name, out WeightTensor? tensor) ? tensor.Data.ToArray() : [];
        if (name == "log_prob")
            tensors.Remove(name);
        else if (name == "other")
            tensors[name] = tensors["mean"];
        else if (name == "reference")
            tensors[name] = tensor! with { Shape = [60, 2] };
        else if (name == "kernel_rows")
            tensors[name] = tensor! with { Shape = [0, 3], Data = Array.Empty<byte>() };
        else if (name == "kernel_outputs")
            tensors[name] = tensor! with { Shape = [2, 3] };
        else if (name == "kernel_inputs")
        {
            BitConverter.GetBytes(1e9f).CopyTo(bytes.AsSpan());
            tensors[name] = tensor! with { Data = bytes };
        }
        else if (name == "weights_sha256")
            tensors[name] = tensor! with { Data = new byte[32] };
        else
        {
            BitConverter.GetBytes(name == "mean" ? double.PositiveInfinity : 1e9).CopyTo(bytes.AsSpan());
            tensors[name] = tensor! with { Data = bytes };
        }
        File.WriteAllBytes(Path, Safetensors.Write(tensors));

        CheckpointException refused = Assert.Throws<CheckpointException>(() => CalibrationSet.Read(folder.FullName, Spec));

        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.Contains("flow calibrate", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Kernel_scores_come_back_as_they_were()
    {
        CalibrationSet set = Set(40);
        set.Write(folder.FullName, Spec);
        CalibrationSet back = CalibrationSet.Read(folder.FullName, Spec)!;
        Assert.Equal(ScoreKind.Combined, back.Usual);
        float[] row = [0.5f, -1, 2];
        Assert.Equal(set.Kernel!.Density.LogDensity<float>(row), back.Kernel!.Density.LogDensity<float>(row));
        Assert.Equal(set.Of(ScoreKind.Kernel).RankOf(-8), back.Of(ScoreKind.Kernel).RankOf(-8));
        Assert.Equal(set.Kernel.Score.Of(-3, -8), back.Kernel.Score.Of(-3, -8), 1e-3);
        Assert.Equal(set.Of(ScoreKind.Combined).RankOf(-0.5), back.Of(ScoreKind.Combined).RankOf(-0.5));
    }

    [Fact]
    public void A_file_that_was_cut_short_is_refused()
    {
        byte[] bytes = CalibrationFile.Bytes(Set(40), Spec);
        File.WriteAllBytes(Path, bytes[..^7]);

        Assert.Throws<CheckpointException>(() => CalibrationSet.Read(folder.FullName, Spec));
    }

    private static CalibrationSet Set(int rows)
    {
        var x = new double[rows * 3];
        Noise.FillNormal(5, 0, 3, x.AsSpan());
        var builder = new CalibrationBuilder(Spec, KernelDensity.Of(new Table(x, 3)));
        double[] logProb = [.. x.Chunk(3).Select(row => -row.Sum(value => value * value) / 2)];
        builder.Add<double>(x, [], x, logProb);
        return builder.Build();
    }
}
