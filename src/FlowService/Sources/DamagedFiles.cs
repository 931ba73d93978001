namespace FlowService.Sources;

/// <summary>The files of a source whose bytes were not those that it announced: none is fetched again before the source says something else of it.</summary>
internal sealed class DamagedFiles
{
    private readonly Dictionary<string, (ExpectedBytes Expected, string Tag, SourceException Fault)> known = new(StringComparer.Ordinal);

    /// <summary>Whether a file of this path was damaged when it came last.</summary>
    public bool Has(string path) => known.ContainsKey(path);

    /// <summary>Brings a file; its SHA-256.</summary>
    /// <param name="path">Its path in the source.</param>
    /// <param name="file">The file.</param>
    /// <param name="aside">Where it is put.</param>
    /// <param name="to">Its path there.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="SourceException">It cannot be had, or is damaged, now or still.</exception>
    public async Task<string> FetchAsync(string path, SourceFile file, Aside aside, string to, CancellationToken stop)
    {
        bool isKnown = known.TryGetValue(path, out var before) && before.Expected == file.Expected;
        await using OpenFile open = await file.OpenAsync(isKnown ? before.Tag : null, stop);
        if (isKnown && open.Tag == before.Tag)
            throw before.Fault;
        try
        {
            string sha256 = await aside.WriteAsync(open.Bytes, to, file.Expected, stop);
            known.Remove(path);
            return sha256;
        }
        catch (SourceException e) when (e.IsDamage && open.Tag is not null)
        {
            known[path] = (file.Expected, open.Tag, e);
            throw;
        }
    }
}
