using System.Globalization;
using FlowCore;

namespace FlowCli.Import;

/// <summary>The model card of an imported flow.</summary>
internal static class ImportedCard
{
    public static string Write(FlowSpec spec, Verification verified, Comparison? compared)
    {
        Provenance origin = spec.Provenance!;
        string context = spec.Context switch
        {
            { Classes: { } classes } => $", conditioned on one of {classes} classes",
            { Size: { } size } => $", conditioned on {size} values",
            _ => "",
        };
        return string.Create(CultureInfo.InvariantCulture, $"""
            # {spec.Name}

            A normalizing flow of {spec.Bijections.Length} bijections over events of shape [{string.Join(", ", spec.EventShape)}]{context}, imported from {origin.Source}.

            ## Origin

            - Library: {origin.Source}{(origin.Version is null ? "" : $", version {origin.Version}")}{(origin.Commit is null ? "" : $", commit {origin.Commit}")}
            - Weights: `{origin.Data}`, sha256 `{origin.DataSha256}`

            ## Compared with the library

            {Table(compared)}

            ## Verified on {verified.Rows} rows that it drew itself{verified.Origin}

            | | |
            |---|---:|
            | round trip, float64, relative, median row | {verified.RoundTrip} |
            | sum of the two log-determinants, float64, relative, median row | {verified.LogDeterminant} |
            | float32 log densities from float64, nats | {verified.Float32:g2} |

            What it was trained on, and how well it fits, the checkpoint does not say. Log densities are in the units that the model's
            own library takes: scaling done outside that model is not a part of it.

            """);
    }

    private static string Table(Comparison? compared) => compared is null
        ? "Nothing was compared: the export holds no results of the library itself."
        : string.Create(CultureInfo.InvariantCulture, $"""
            {compared.Rows} rows, of which the library computed in float64:

            | | largest difference / (1 + reference) | mark |
            |---|---:|---:|
            {string.Join('\n', compared.Quantities.Select(Line))}
            """);

    private static string Line(Compared quantity) =>
        string.Create(CultureInfo.InvariantCulture, $"| {quantity.What} | {quantity.Error:g2} | {quantity.Mark:g2} |");
}
