using System.Text.Json;

namespace FlowService.Sources;

/// <summary>
/// A repository of the Hugging Face layout, hf://ORG/NAME@REVISION, with a model's files at its top. A revision that moves on, like a branch, brings a new version: the first commit that
/// is seen becomes version 1, the next one 2.
/// </summary>
internal sealed class HubSource(SourceSettings settings, RemoteFiles remote) : ModelSource(settings)
{
    public const string Scheme = "hf";

    private const int LongestAnswer = 16 << 20;

    private static readonly Uri UsualEndpoint = new("https://huggingface.co");

    public override async Task<IReadOnlyList<SourceVersion>> ListAsync(Func<string, bool> known, Aside aside, CancellationToken stop)
    {
        Uri server = Settings.Endpoint ?? UsualEndpoint;
        (string repository, string revision) = Parts();
        string text = await remote.TextAsync(
            new(server, $"/api/models/{repository}/revision/{Uri.EscapeDataString(revision)}?blobs=true"), Settings.Token, LongestAnswer, stop);
        try
        {
            using JsonDocument answer = JsonDocument.Parse(text);
            string commit = answer.RootElement.GetProperty("sha").GetString()!;
            if (commit.Length != 40 || !commit.All(char.IsAsciiHexDigit))
                throw new SourceException($"{server} names the commit '{FlowRows.ShownText.Shown(commit)}', which is none");
            if (known(commit))
                return [];
            var files = new List<SourceFile>();
            foreach (JsonElement file in answer.RootElement.GetProperty("siblings").EnumerateArray())
                if (file.GetProperty("rfilename").GetString() is { } name && SourcePath.IsFile(name))
                    files.Add(new(name, Expected(file), (unless, end) => remote.OpenAsync(new(server, $"/{repository}/resolve/{commit}/{name}"), Settings.Token, unless, end)));
            return [new(Settings.Model, null, commit, files)];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new SourceException($"{server} does not answer as Hugging Face does: {e.Message}", e);
        }
    }

    // Large files are kept by their SHA-256, small ones by git.
    private static ExpectedBytes Expected(JsonElement file)
    {
        long? size = file.TryGetProperty("size", out JsonElement bytes) && bytes.ValueKind == JsonValueKind.Number ? bytes.GetInt64() : null;
        return file.TryGetProperty("lfs", out JsonElement lfs) && lfs.ValueKind == JsonValueKind.Object
            ? new(size, Sha256: lfs.GetProperty("sha256").GetString())
            : new(size, GitBlob: file.TryGetProperty("blobId", out JsonElement blob) ? blob.GetString() : null);
    }

    private (string Repository, string Revision) Parts()
    {
        // As it was written: the host of an address has no capitals, and an organisation may.
        string[] parts = Settings.From.OriginalString[(Scheme.Length + "://".Length)..].Split('@', 2);
        return parts[0].Split('/') is [{ Length: > 0 } organisation, { Length: > 0 } name] && SourcePath.IsFile(organisation) && SourcePath.IsFile(name)
            ? ($"{organisation}/{name}", parts.Length > 1 && parts[1].Length > 0 ? parts[1] : "main")
            : throw new SourceException($"{Settings.From.OriginalString} must be hf://ORG/NAME@REVISION");
    }
}
