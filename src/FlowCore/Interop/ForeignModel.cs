using System.Text.Json;
using FlowCore.Checkpoints;

namespace FlowCore.Interop;

/// <summary>A model of another library: its description (<c>model.json</c>) and its <c>state_dict</c>, turned into a checkpoint of ours.</summary>
public static class ForeignModel
{
    /// <summary>Turns a description and its weights into a checkpoint; every weight is used exactly once or dropped knowingly.</summary>
    /// <param name="description">The text of <c>model.json</c>.</param>
    /// <param name="weights">The library's own <c>state_dict</c>.</param>
    /// <param name="name">The name that the model shall have.</param>
    /// <param name="library">The library, where the description does not name it.</param>
    /// <exception cref="ImportException">The message names the layer or the key, and the sentence that helps.</exception>
    public static Checkpoint Import(
        ReadOnlySpan<byte> description, IReadOnlyDictionary<string, WeightTensor> weights, string name, string? library = null) =>
        Read(description, weights, name, library).Checkpoint;

    /// <summary>The same, with the library's layer behind each bijection.</summary>
    /// <exception cref="ImportException">The message names the layer or the key, and the sentence that helps.</exception>
    public static ForeignFlow Read(
        ReadOnlySpan<byte> description, IReadOnlyDictionary<string, WeightTensor> weights, string name, string? library = null)
    {
        DescribedNode root;
        try
        {
            var reader = new Utf8JsonReader(description);
            root = new DescribedNode(JsonElement.ParseValue(ref reader), "model.json");
        }
        catch (JsonException e)
        {
            throw new ImportException($"model.json: is not JSON ({e.Message})");
        }
        string stated = root.Optional("library")?.Text ?? library
            ?? throw new ImportException("model.json: 'library' is missing; name it there or with --library");
        // sbi's estimators are flows of nflows or zuko, and say so.
        bool wrapped = library is "sbi" && Canonical(stated) is "nflows" or "zuko";
        if (library is not null && !wrapped && Canonical(library) != Canonical(stated))
            throw new ImportException($"model.json: is of '{stated}', --library says '{library}'");

        var source = new ForeignWeights(weights);
        Imported imported;
        try
        {
            imported = Import(stated, root, source);
        }
        catch (WrongShapeException e)
        {
            throw new ImportException($"tensor '{source.Last}' {e.Message}");
        }
        catch (Exception e) when (e is IndexOutOfRangeException or KeyNotFoundException or ArgumentException or InvalidOperationException or ArithmeticException)
        {
            throw new ImportException($"model.json does not fit the weights; the last tensor that was read is '{source.Last}' ({e.Message})");
        }
        source.RequireAllTaken();
        return new ForeignFlow(
            imported.ToCheckpoint(name, new Provenance
            {
                Source = stated,
                Version = (root.Optional("version") ?? root.Optional("library_version"))?.Text,
                Commit = root.Optional("commit")?.Text,
            }),
            [.. imported.Bijections.Select(part => part.Origin)]);
    }

    private static Imported Import(string library, DescribedNode root, ForeignWeights source) => Canonical(library) switch
    {
        "zuko" => ZukoModel.Import(root, source),
        "nflows" => NflowsModel.Import(root, source),
        // sbi wraps one of the two; its descriptions are theirs, with the wrapper's prefixes.
        "sbi" => root["structure"]["transform"].Optional("type")?.Text == "composed" ? ZukoModel.Import(root, source) : NflowsModel.Import(root, source),
        "normflows" => NormflowsModel.Import(root, source),
        "glow-pytorch" => RosinalityGlow.Import(root, source),
        "chrischute-glow" => ChrischuteGlow.Import(root, source),
        "chrischute-realnvp" => ChrischuteRealNvp.Import(root, source),
        "waveglow" => WaveGlowModel.Import(root, source, separable: false),
        "squeezewave" => WaveGlowModel.Import(root, source, separable: true),
        _ => throw new ImportException(
            $"model.json: library '{library}' is none of normflows, zuko, nflows, sbi, glow-pytorch, chrischute-glow, chrischute-realnvp, waveglow, squeezewave"),
    };

    // The command line's names, and the repositories' own.
    private static string Canonical(string library) => library.Trim().ToLowerInvariant() switch
    {
        "rosinality/glow-pytorch" => "glow-pytorch",
        "chrischute/glow" => "chrischute-glow",
        "chrischute/real-nvp" => "chrischute-realnvp",
        "nvidia/waveglow" => "waveglow",
        "tianrengao/squeezewave" => "squeezewave",
        var name => name,
    };
}

/// <summary>What an importer of one library gives: the flow's parts, in the order from data to latents.</summary>
internal sealed record Imported(int[] EventShape, IReadOnlyList<Part<BijectionSpec>> Bijections, Part<BaseDensitySpec> Base)
{
    public ContextSpec? Context { get; init; }

    public Dictionary<string, WeightTensor> EmbeddingWeights { get; init; } = [];

    /// <summary>What its sound is, of a vocoder.</summary>
    public SoundSpec? Sound { get; init; }

    /// <summary>Conditioned on so many values, behind an embedding where there is one.</summary>
    public Imported Conditioned(int size, Part<LayerSpec[]> embedding) => size == 0 ? this : this with
    {
        Context = new ContextSpec { Size = size, Embedding = embedding.Spec.Length == 0 ? null : embedding.Spec },
        EmbeddingWeights = embedding.Weights,
    };

    public Checkpoint ToCheckpoint(string name, Provenance provenance)
    {
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        foreach (var (key, tensor) in EmbeddingWeights)
            weights.Add($"embedding.{key}", tensor);
        for (int i = 0; i < Bijections.Count; i++)
            Bijections[i].AddTo(weights, $"bijections.{i}");
        Base.AddTo(weights, "base_density");
        var spec = new FlowSpec
        {
            Name = name,
            EventShape = EventShape,
            Context = Context,
            Sound = Sound,
            Bijections = [.. Bijections.Select(part => part.Spec)],
            Base = Base.Spec,
            Provenance = provenance,
        };
        return new Checkpoint(spec, weights);
    }
}
