using System.Globalization;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>What in the data makes log densities hard to trust.</summary>
internal static class DataWarnings
{
    private const double ManyDuplicates = 0.01;

    // One step of float32, as a share of the value.
    private const double Float32Step = 1.2e-7;

    public static IEnumerable<string> Of(Table table, ColumnFacts[] facts, double[]? steps)
    {
        bool continuous = steps is null || steps.Any(step => step == 0);
        double duplicates = ColumnFacts.DuplicateShare(table);
        if (continuous && duplicates >= ManyDuplicates)
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{duplicates:P1} of the rows repeat an earlier row: a density can grow without bound there, and the same row may stand on both sides of the split");
        for (int column = 0; column < table.Width; column++)
            if (facts[column].Deviation < 100 * Float32Step * Math.Abs(facts[column].Mean))
                yield return $"{table.NameOf(column)}: its values differ by few steps of float32: subtract their offset before training";
    }
}
