using System.Globalization;
using FlowCore.Engines;
using FlowCore.Tests.Golden;

namespace FlowBenchmarks;

/// <summary>The golden models of other libraries, imported, and how far their numbers are from the libraries' own.</summary>
internal static class GoldenTable
{
    public static void Print(TextWriter output, string device = "cpu")
    {
        output.WriteLine("""
            # Trained models of other libraries, imported

            Each model was trained in its own library, which computed log densities, latents, log-determinants and samples from it in float64. The
            largest differences of the imported flow from those, in float64 relative to 1 + |value|: of what scores, and of what samples; and the
            largest difference of a float32 log density on data rows, in nats.

            | model | compared | log p, z, log-determinant | x, densities of samples | float32 log p |
            |---|---:|---:|---:|---:|
            """);
        foreach (string name in GoldenModel.Names)
        {
            GoldenModel model = GoldenModel.Read(name);
            using var exact = new TorchEngine<double>(model.Checkpoint.BuildFlow(), device);
            using var served = new TorchEngine<float>(model.Checkpoint.BuildFlow(), device);
            GoldenCheck[] checks = [.. new GoldenRun(model, exact).Checks()];
            double Worst(bool sampling) => checks.Where(check => check.IsSampling == sampling).Select(check => check.Error).DefaultIfEmpty(0).Max();
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {name} | {checks.Length} | {Worst(false):0.0e+0} | {Worst(true):0.0e+0} | {GoldenRun.Float32Error(model, served):0.0e+0} |"));
        }
    }
}
