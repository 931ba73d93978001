using System.Text.Json;
using FlowCore.Checkpoints;

namespace FlowService.Sources;

/// <summary>What a source notes beside the files of a version that it has brought, so that it is not brought again.</summary>
/// <param name="Source">The source's name in the settings.</param>
/// <param name="From">Its address.</param>
/// <param name="Identity">What tells the source's files apart.</param>
internal sealed record SourceRecord(string Source, string From, string Identity)
{
    private const string FileName = ".source.json";

    /// <summary>The record of a version's folder; null where no source has brought it.</summary>
    public static SourceRecord? Of(string folder)
    {
        try
        {
            string path = Path.Combine(folder, FileName);
            return FileStatus.IsMissing(path) ? null : JsonSerializer.Deserialize<SourceRecord>(WholeFile.Read(path), JsonSerializerOptions.Web);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    public void Write(string folder) => File.WriteAllBytes(Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(this, JsonSerializerOptions.Web));
}
