namespace FlowService.Sources;

/// <summary>A place that models are pulled from.</summary>
internal abstract class ModelSource(SourceSettings settings)
{
    public SourceSettings Settings => settings;

    public string Name => settings.Name;

    /// <summary>What it has sent damaged.</summary>
    public DamagedFiles Damaged { get; } = new();

    /// <summary>The versions that the source has now.</summary>
    /// <param name="known">Whether a version of this identity was brought before: an archive is then not fetched again.</param>
    /// <param name="aside">Where files may be put meanwhile; it is emptied after the look.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="SourceException">It cannot be read.</exception>
    public abstract Task<IReadOnlyList<SourceVersion>> ListAsync(Func<string, bool> known, Aside aside, CancellationToken stop);

    /// <summary>The source of some settings.</summary>
    public static ModelSource Of(SourceSettings settings, RemoteFiles remote) => settings switch
    {
        { From.Scheme: BucketSource.Scheme } => new BucketSource(settings),
        { From.Scheme: HubSource.Scheme } => new HubSource(settings, remote),
        { IsArchive: true } => new ArchiveSource(settings, remote),
        _ => new ListedSource(settings, remote),
    };
}
