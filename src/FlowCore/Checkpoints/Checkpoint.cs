using System.Security.Cryptography;
using FlowCore.Calibration;

namespace FlowCore.Checkpoints;

/// <summary>
/// A flow on disk: a folder with <c>flow.json</c> (the <see cref="FlowSpec"/>), <c>weights.safetensors</c> and a model card,
/// <c>README.md</c>; <c>calibration.safetensors</c> where it was calibrated. What is read is compared with the description to the last shape, type and bit before it is used.
/// </summary>
public sealed record Checkpoint(FlowSpec Spec, IReadOnlyDictionary<string, WeightTensor> Weights)
{
    public const string SpecFile = "flow.json", WeightsFile = "weights.safetensors", CardFile = "README.md";

    /// <summary>What ordinary rows look like to the flow, to be written beside it. It is read by <see cref="CalibrationSet.Read"/>.</summary>
    public CalibrationSet? Calibration { get; init; }

    /// <summary>Reads a folder and compares the weights with their SHA-256.</summary>
    /// <exception cref="FlowException">The message names the file, and the tensor or the field.</exception>
    public static Checkpoint Read(string folder)
    {
        string path = Path.Combine(folder, SpecFile);
        if (FileStatus.IsMissing(path))
            throw new CheckpointException($"{path}: not found; a checkpoint is a folder with {SpecFile} and {WeightsFile}");
        FlowSpec spec = SpecJson.Parse(ReadFile(path));
        if (spec.Weights is not { } expected)
            throw new CheckpointException($"{path}: weights: is missing; it names the file and its sha256");
        if (expected.File.Length == 0 || expected.File.Contains('\0', StringComparison.Ordinal) || expected.File != Path.GetFileName(expected.File))
            throw new CheckpointException($"{path}: weights.file: must be a file in the same folder, is '{expected.File}'");

        string weightsPath = Path.Combine(folder, expected.File);
        byte[] bytes = ReadFile(weightsPath);
        Dictionary<string, WeightTensor> weights = Safetensors.Read(bytes, weightsPath);
        string actual = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (actual != expected.Sha256)
            throw new CheckpointException($"{weightsPath}: its sha256 is {actual}, {SpecFile} says {expected.Sha256}: the file was changed or damaged");
        var checkpoint = new Checkpoint(spec, weights);
        checkpoint.Check();
        return checkpoint;
    }

    /// <summary>What both engines rely on: the description is sound, and the weights are the ones that it needs, to the last name, type and shape.</summary>
    /// <exception cref="FlowException">The message names the field, or the tensor.</exception>
    internal void Check()
    {
        FlowSpecChecks.Check(Spec).Compare(Weights);
        FlowSpecChecks.CheckWeights(Spec, Weights);
    }

    /// <summary>The trained state of a flow, with the description it was built from.</summary>
    public static Checkpoint Of(Flow flow) => new(flow.Spec, FlowWeights.Take(flow));

    /// <summary>The flow with these weights.</summary>
    /// <exception cref="FlowException">The description contradicts itself; a tensor is missing, unknown, or has another shape or type.</exception>
    public Flow BuildFlow()
    {
        Check();
        Flow flow = FlowBuilder.Build(Spec);
        try
        {
            FlowWeights.Put(flow, Weights);
            return flow;
        }
        catch
        {
            flow.Dispose();
            throw;
        }
    }

    /// <summary>Writes the folder aside and renames it into place: a reader sees a whole checkpoint or none.</summary>
    /// <exception cref="CheckpointException">The folder exists already.</exception>
    public void Write(string folder, string card)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new CheckpointException($"{folder}: exists already; choose another version, or delete it");
        string parent = Path.GetDirectoryName(folder)!;
        Directory.CreateDirectory(parent);
        // The name starts with a dot: a repository does not take the unfinished folder for a model.
        string aside = Path.Combine(parent, $".{Path.GetFileName(folder)}.{Guid.NewGuid():N}");
        Directory.CreateDirectory(aside);
        try
        {
            byte[] weights = Safetensors.Write(Weights);
            var record = new WeightsRecord(WeightsFile, Convert.ToHexStringLower(SHA256.HashData(weights)));
            File.WriteAllBytes(Path.Combine(aside, WeightsFile), weights);
            FlowSpec described = Spec with { Weights = record };
            File.WriteAllBytes(Path.Combine(aside, SpecFile), SpecJson.Write(described));
            Calibration?.Write(aside, described);
            File.WriteAllText(Path.Combine(aside, CardFile), card);
            if (Directory.Exists(folder))
                Directory.Delete(folder);
            Directory.Move(aside, folder);
        }
        catch
        {
            Directory.Delete(aside, recursive: true);
            throw;
        }
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            return WholeFile.Read(path);
        }
        catch (Exception e) when (e is IOException or OutOfMemoryException)
        {
            throw new CheckpointException($"{path}: cannot be read ({e.Message})", e);
        }
    }
}
