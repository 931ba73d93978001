namespace FlowService.Sources;

/// <summary>A folder of a web server in the layout of a repository, with a list of its files and their hashes, as <c>sha256sum */*/* > SHA256SUMS</c> writes it.</summary>
internal sealed class ListedSource(SourceSettings settings, RemoteFiles remote) : ModelSource(settings)
{
    public override async Task<IReadOnlyList<SourceVersion>> ListAsync(Func<string, bool> known, Aside aside, CancellationToken stop)
    {
        Uri list = Settings.From;
        string text = await remote.TextAsync(list, Settings.Token, HashList.LongestList, stop);
        var files = HashList.Read(text, list.ToString()).Select(file => (At: SourcePath.Of(file.Path), file.Sha256)).Where(file => file.At is not null);
        return [.. files.GroupBy(file => (file.At!.Model, file.At.Version)).Select(version => new SourceVersion(version.Key.Model, version.Key.Version,
            HashList.Over(version.Select(file => $"{file.Sha256} {file.At!.File}")),
            [.. version.Select(file => new SourceFile(file.At!.File, new(Sha256: file.Sha256), (unless, end) => remote.OpenAsync(AddressOf(list, file.At), Settings.Token, unless, end)))]))];
    }

    // Its parts are letters, digits, dots, - and _ alone: they need no escape, and lead nowhere else.
    private static Uri AddressOf(Uri list, SourcePath file) => new(list, $"{file.Model}/{file.Version}/{file.File}{list.Query}");
}
