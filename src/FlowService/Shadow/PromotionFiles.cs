using System.Text.Json;
using FlowCore.Checkpoints;
using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Shadow;

/// <summary>
/// Where promotions outlast the process: a file NAME.json for each model, in the repository unless the settings say otherwise. It is written aside and renamed, so that whoever reads it,
/// another replica too, finds the old one or the new one whole.
/// </summary>
internal sealed class PromotionFiles(IOptions<ModelsOptions> options, ModelRepository repository, ILogger<PromotionFiles> logger)
{
    private const string InRepository = ".promotions", None = "-";

    private readonly string? folder = options.Value.PromotionFolder switch
    {
        None => null,
        { Length: > 0 } set => Path.GetFullPath(set),
        _ => Path.Combine(repository.Path, InRepository),
    };

    private readonly Dictionary<string, string> told = new(StringComparer.Ordinal);

    /// <summary>What the file of a model says; null where there is none, or none that can be read, which is logged once.</summary>
    public Promotion? Read(string model)
    {
        if (folder is null)
            return null;
        string path = At(folder, model);
        try
        {
            if (FileStatus.IsMissing(path))
                return null;
            Promotion? promotion = JsonSerializer.Deserialize<Promotion>(WholeFile.Read(path), JsonSerializerOptions.Web);
            Tell(path, promotion is null ? "it holds null" : null);
            return promotion;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            Tell(path, e.Message);
            return null;
        }
    }

    /// <summary>Writes the file of a model; false where that cannot be, which is logged, or shall not be.</summary>
    public bool Write(string model, Promotion promotion)
    {
        if (folder is null)
            return false;
        string path = At(folder, model), aside = $"{path}.{Environment.ProcessId}.new";
        try
        {
            Directory.CreateDirectory(folder);
            using (FileStream file = File.Create(aside))
            {
                JsonSerializer.Serialize(file, promotion, JsonSerializerOptions.Web);
                file.Flush(flushToDisk: true);
            }
            File.Move(aside, path, overwrite: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.NotRemembered(model, path, e.Message);
            return false;
        }
    }

    private static string At(string folder, string model) => Path.Combine(folder, model + ".json");

    private void Tell(string path, string? fault)
    {
        lock (told)
            if (fault is null)
                told.Remove(path);
            else if (told.GetValueOrDefault(path) != fault)
                logger.PromotionUnreadable(path, told[path] = fault);
    }
}
