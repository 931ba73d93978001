using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using SavedFlow = FlowCore.Checkpoints.Checkpoint;

namespace FlowCore.Tests.Engines;

public sealed class LayeredFlowTests
{
    private const int Rows = 40;

    public static IEnumerable<TheoryDataRow<string>> Small => CompiledModels.Names.Where(name => LayeredFlow.Offers(CompiledModels.Checkpoint(name.Data).Spec));

    [Theory]
    [MemberData(nameof(Small))]
    public void The_first_place_is_the_latent_and_the_last_one_the_row(string name)
    {
        SavedFlow checkpoint = CompiledModels.Checkpoint(name);
        using var engine = new CompiledEngine<double>(checkpoint);
        using var layers = new LayeredFlow<double>(checkpoint);
        var (x, context, z) = CompiledModels.Rows(engine, Rows);
        double[] logProb = new double[Rows], values = new double[(layers.Count + 1) * z.Length], logDensity = new double[(layers.Count + 1) * Rows];
        engine.Inverse(z, context, new double[x.Length], new double[Rows], logProb);

        layers.Decode(z, context, values, logDensity);

        Assert.Equal(checkpoint.Spec.Bijections.Length, layers.Count);
        Assert.Equal(z, values[..z.Length]);
        Assert.Equal(x, values[^x.Length..], Near);
        Assert.Equal(logProb, logDensity[^Rows..], Near);
    }

    [Fact]
    public void The_density_changes_at_each_layer_by_what_it_does_to_areas()
    {
        SavedFlow checkpoint = SavedFlow.Read(Path.Combine(AppContext.BaseDirectory, "models", "two-moons", "1"));
        using var layers = new LayeredFlow<double>(checkpoint);
        const double Step = 1e-5;
        // Each point with two neighbours: the area that they span, at every place.
        double[] z = [0.3, -0.4, 0.3 + Step, -0.4, 0.3, -0.4 + Step];
        double[] values = new double[(layers.Count + 1) * z.Length], logDensity = new double[(layers.Count + 1) * 3];

        layers.Decode(z, [], values, logDensity);

        for (int place = 1; place <= layers.Count; place++)
            Assert.Equal(logDensity[0] - logDensity[place * 3], Math.Log(Area(values.AsSpan(place * 6, 6)) / Area(values.AsSpan(0, 6))), 1e-3);
    }

    [Fact]
    public void Pictures_and_wide_rows_are_not_taken_apart()
    {
        Assert.False(LayeredFlow.Offers(new FlowSpec { Name = "wide", EventShape = [LayeredFlow.MostWidth + 1], Bijections = [new FlowCore.Bijections.PermutationSpec { Order = FlowCore.Bijections.FeatureOrder.Reverse }] }));
        Assert.False(LayeredFlow.Offers(new FlowSpec { Name = "picture", EventShape = [1, 2, 2], Bijections = [new FlowCore.Bijections.SqueezeSpec()] }));
    }

    private static double Area(ReadOnlySpan<double> corners) =>
        Math.Abs((corners[2] - corners[0]) * (corners[5] - corners[1]) - (corners[4] - corners[0]) * (corners[3] - corners[1]));

    private static bool Near(double expected, double actual) => Math.Abs(expected - actual) <= 1e-8 * (1 + Math.Abs(expected));
}
