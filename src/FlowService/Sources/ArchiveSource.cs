using System.Formats.Tar;
using System.IO.Compression;

namespace FlowService.Sources;

/// <summary>An archive of a repository. Its hash is known before a byte of it is unpacked: from the settings, or from a file beside it.</summary>
internal sealed class ArchiveSource(SourceSettings settings, RemoteFiles remote) : ModelSource(settings)
{
    private const string HashSuffix = ".sha256";

    // What was taken, though nothing of it may be wanted, and the versions in it.
    private string? unpacked;
    private IReadOnlyList<SourceVersion> versionsThere = [];

    public override async Task<IReadOnlyList<SourceVersion>> ListAsync(Func<string, bool> known, Aside aside, CancellationToken stop)
    {
        string sha256 = Settings.Sha256 ?? await HashBesideAsync(stop);
        if (sha256 == unpacked)
            return versionsThere;
        if (known(sha256))
            return [];
        string archive = aside.NewPath(), name = Settings.From.AbsolutePath;
        await Damaged.FetchAsync(name, new(name, new(Sha256: sha256), (unless, end) => remote.OpenAsync(Settings.From, Settings.Token, unless, end)), aside, archive, stop);
        string folder = aside.NewPath();
        var versions = new Dictionary<(string, int), List<SourceFile>>();
        try
        {
            await foreach ((string entry, Stream content) in EntriesAsync(archive, stop))
                if (SourcePath.Of(entry) is { } at)
                {
                    string path = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, at.Model, $"{at.Version}")).FullName, at.File);
                    if (File.Exists(path))
                        throw new SourceException($"the archive has {entry} twice");
                    await aside.WriteAsync(content, path, new(), stop);
                    if (!versions.TryGetValue((at.Model, at.Version), out List<SourceFile>? files))
                        versions[(at.Model, at.Version)] = files = [];
                    files.Add(new(at.File, new(), (_, _) => Task.FromResult(new OpenFile(File.OpenRead(path)))));
                }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new SourceException($"the archive {Settings.From} cannot be unpacked: {e.Message}", e);
        }
        if (versions.Count == 0)
            throw new SourceException($"the archive {Settings.From} holds no file NAME/VERSION/FILE; pack it above the models' names, like `tar -czf models.tgz -C models .`");
        SourceVersion[] found = [.. versions.Select(version => new SourceVersion(version.Key.Item1, version.Key.Item2, sha256, version.Value))];
        (unpacked, versionsThere) = (sha256, Array.ConvertAll(found, version => version with { Files = [] }));
        return found;
    }

    private async Task<string> HashBesideAsync(CancellationToken stop)
    {
        var beside = new UriBuilder(Settings.From) { Path = Settings.From.AbsolutePath + HashSuffix };
        string text = await remote.TextAsync(beside.Uri, Settings.Token, HashList.LongestList, stop);
        string name = Path.GetFileName(Settings.From.AbsolutePath);
        return HashList.Read(text, beside.Uri.ToString()).FirstOrDefault(file => Path.GetFileName(file.Path) == name).Sha256
            ?? throw new SourceException($"{beside.Uri} does not name {name}: write it with `sha256sum {name} > {name}{HashSuffix}`");
    }

    // The files of an archive, one after the other: links and devices are none of a model's.
    private static async IAsyncEnumerable<(string Name, Stream Content)> EntriesAsync(string path, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        await using FileStream file = File.OpenRead(path);
        byte[] start = new byte[2];
        await file.ReadExactlyAsync(start, stop);
        file.Position = 0;
        if (start is [(byte)'P', (byte)'K'])
        {
            await using ZipArchive zip = await ZipArchive.CreateAsync(file, ZipArchiveMode.Read, leaveOpen: true, entryNameEncoding: null, stop);
            foreach (ZipArchiveEntry entry in zip.Entries)
                if (!entry.FullName.EndsWith('/'))
                    await using (Stream content = await entry.OpenAsync(stop))
                        yield return (entry.FullName, content);
            yield break;
        }
        await using Stream plain = start is [0x1f, 0x8b] ? new GZipStream(file, CompressionMode.Decompress) : file;
        await using var tar = new TarReader(plain);
        while (await tar.GetNextEntryAsync(copyData: false, stop) is { } entry)
            if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile)
                yield return (entry.Name, entry.DataStream ?? Stream.Null);
    }
}
