using System.Security.Cryptography;
using System.Text.Json;
using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowRows;

namespace FlowService.Models;

/// <summary>One version of a model on disk, be it behind symbolic links.</summary>
internal sealed record ModelFolder(string Name, int Version, string Path)
{
    // A description is some kilobytes; what is longer is told apart by its status alone.
    private const long LongestHashed = 16 << 20;
    private const string ExportFile = "model.json";

    /// <summary>Whether its flow.json is there: it is written last.</summary>
    public bool IsComplete => !FileStatus.IsMissing(At(Checkpoint.SpecFile));

    /// <summary>Why no engine needs to look at it, with the remedy; null where it may hold a model.</summary>
    public string? Fault
    {
        get
        {
            if (!ModelName.IsAllowed(Name))
                return $"'{Name.Shown()}' cannot be served under this name: {ModelName.Rule}; rename the folder";
            if (Array.Find([Checkpoint.SpecFile, WeightsFile, CalibrationSet.File], file => Status(file) is { IsFile: false }) is { } odd)
                return $"{odd} is not a file; delete the folder and write the model anew";
            return IsComplete || Status(ExportFile) is null
                ? null
                : "it holds an export that was not imported; run "
                    + $"`flow import {Path} --out {System.IO.Path.GetDirectoryName(Path)}/{Version + 1}`";
        }
    }

    /// <summary>The size of its weights, which is about the memory that it takes.</summary>
    public long WeightBytes => Status(WeightsFile) is { IsFile: true } file ? file.Length : 0;

    /// <summary>
    /// Differs where the files have changed, wherever links lead: the content of flow.json, which states the hash of the weights,
    /// and the identity of each file.
    /// </summary>
    public string Stamp => string.Join(' ',
        ((string[])[Checkpoint.SpecFile, WeightsFile, ExportFile, CalibrationSet.File]).Select(file => Status(file)?.Identity ?? "none").Append(Hash));

    /// <summary>The model card; null where there is none that can be read. It is for people: a model without it serves as well.</summary>
    public string? ReadCard()
    {
        try
        {
            return Status(Checkpoint.CardFile) is { IsFile: true, Length: <= LongestHashed } ? File.ReadAllText(At(Checkpoint.CardFile)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string Hash => SpecBytes is { } bytes ? Convert.ToHexStringLower(SHA256.HashData(bytes)) : "unreadable";

    /// <summary>The file that flow.json names, or the usual one.</summary>
    private string WeightsFile
    {
        get
        {
            try
            {
                if (SpecBytes is { } bytes && JsonDocument.Parse(bytes) is { } spec)
                    using (spec)
                        return spec.RootElement.GetProperty("weights").GetProperty("file").GetString() is { } file && System.IO.Path.GetFileName(file) is { Length: > 0 } name
                            ? name
                            : Checkpoint.WeightsFile;
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
            {
                // The loader says what is wrong with it.
            }
            return Checkpoint.WeightsFile;
        }
    }

    private byte[]? SpecBytes
    {
        get
        {
            try
            {
                return Status(Checkpoint.SpecFile) is { IsFile: true, Length: <= LongestHashed }
                    ? WholeFile.Read(At(Checkpoint.SpecFile))
                    : null;
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    private string At(string file) => System.IO.Path.Combine(Path, file);

    private FileStatus? Status(string file) => FileStatus.Of(At(file));
}
