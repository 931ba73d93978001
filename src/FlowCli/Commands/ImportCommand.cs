using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using FlowCli.Import;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Interop;

namespace FlowCli.Commands;

/// <summary><c>flow import</c>: another library's checkpoint to one of ours, with the same numbers.</summary>
internal static class ImportCommand
{
    public static Command Create(Terminal terminal)
    {
        var folder = new Argument<string>("FOLDER") { Description = "The folder with model.json and the weights (.safetensors, .pt, .pth, .pth.tar)." };
        var output = new Option<string>("--out") { Description = "The checkpoint's folder, models/NAME/VERSION; it must not exist.", HelpName = "FOLDER", Required = true };
        var library = new Option<string?>("--library") { Description = "The library, if model.json does not name it." };
        library.AcceptOnlyFromAmong("normflows", "zuko", "nflows", "sbi", "glow-pytorch", "chrischute-glow", "chrischute-realnvp", "waveglow", "squeezewave");
        var weights = new Option<string?>("--weights") { Description = "The weights file, if the folder holds several.", HelpName = "FILE" };
        var command = new ExampledCommand(
            "import", "Turns a trained model from another library into a checkpoint.", "flow import my-flow --out models/my-flow/1")
        {
            folder, output, library, weights,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(folder), parsed.GetRequiredValue(output), parsed.GetValue(library), parsed.GetValue(weights), terminal));
        return command;
    }

    private static void Run(string folder, string output, string? library, string? weightsFile, Terminal terminal)
    {
        NewCheckpoint.Check(output);
        string description = Path.Combine(folder, "model.json");
        if (!File.Exists(description))
            throw new ImportException($"{description}: not found; clients/exporter/flow_export.py writes it from a live model");
        string weightsPath = weightsFile ?? StateDict.Find(folder);
        string name = ModelName.Of(output);
        ForeignFlow foreign = ForeignModel.Read(File.ReadAllBytes(description), StateDict.Read(weightsPath), name, library);
        Checkpoint imported = foreign.Checkpoint;
        FlowSpec spec = imported.Spec with
        {
            Provenance = imported.Spec.Provenance! with
            {
                Command = $"flow import {Path.GetFileName(Path.GetFullPath(folder))}",
                Data = Path.GetFileName(weightsPath),
                DataSha256 = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(weightsPath))),
                Created = TimeProvider.System.GetUtcNow(),
            },
        };
        Checkpoint checkpoint = imported with { Spec = spec };

        Comparison? compared = Cases.Read(folder) is { } cases
            ? Comparison.Of(foreign with { Checkpoint = checkpoint }, cases)
            : null;
        if (compared?.Failed is { } failed)
            throw new ImportException(Difference(folder, compared, failed));
        Verification verified = Verification.Of(checkpoint);
        if (!verified.Holds)
            throw new ImportException(string.Create(
                CultureInfo.InvariantCulture, $"{folder}: the imported flow does not invert (round trip {verified.RoundTrip} in float64): the weights are not those of this model.json"));
        checkpoint.Write(output, ImportedCard.Write(spec, verified, compared));
        terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"""
            {name}: {spec.Provenance!.Source} {spec.Provenance.Version}, {spec.Bijections.Length} bijections, event shape [{string.Join(", ", spec.EventShape)}]
            on {verified.Rows} rows of its own{verified.Origin}: round trip {verified.RoundTrip}, log-determinants {verified.LogDeterminant}, float64, relative; float32 log densities within {verified.Float32:g2} nats
            {Told(compared)}
            written to {output}
            """));
        if (compared is null)
            terminal.Error.WriteLine($"warning: {folder} has no {Cases.FileName} with the library's own results, so nothing tells "
                + "whether the numbers are the same; export the live model again with clients/exporter/flow_export.py");
    }

    private static string Told(Comparison? compared) => compared is null
        ? "compared with nothing"
        : $"compared with {compared.Rows} rows that the library computed in float64: {compared.Summary}";

    private static string Difference(string folder, Comparison compared, Compared failed) => string.Create(CultureInfo.InvariantCulture,
        $"{folder}: the imported flow does not compute what the model computed: {failed.What} differs by {failed.Error:g2}, ")
        + string.Create(CultureInfo.InvariantCulture, $"the mark is {failed.Mark:g2}")
        + (compared.Layer is { } layer ? $"; the first that differs is {layer}" : "")
        + "; the model overrides, hooks or configures something that its classes and weights do not tell, or the folder was changed";
}
