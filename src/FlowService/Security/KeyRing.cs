using System.Text.Json;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace FlowService.Security;

/// <summary>
/// The keys there are, read again when the configuration or the keys' file changes. A change that cannot be read is logged, and the keys that
/// were known stay; once there was a key, the service does not open for want of any.
/// </summary>
internal sealed class KeyRing : IDisposable
{
    private readonly IConfiguration configuration;
    private readonly string? file;
    private readonly ILogger<KeyRing> logger;
    private readonly PhysicalFileProvider? folder;
    private readonly List<IDisposable> watches = [];
    private volatile ApiKey[] keys;

    /// <remarks>What is wrong with the keys at the start, the settings' check has said already.</remarks>
    public KeyRing(IConfiguration configuration, IOptions<SecurityOptions> options, ILogger<KeyRing> logger)
    {
        (this.configuration, this.logger, file) = (configuration, logger, options.Value.KeysFile is { Length: > 0 } path ? Path.GetFullPath(path) : null);
        keys = Read(configuration, file, []);
        watches.Add(ChangeToken.OnChange(configuration.GetReloadToken, ReadAgain));
        if (file is null)
            return;
        // By polling: orchestrators change a mounted secret behind a link, which no watcher of the folder tells.
        folder = new PhysicalFileProvider(Path.GetDirectoryName(file)!) { UsePollingFileWatcher = true, UseActivePolling = true };
        watches.Add(ChangeToken.OnChange(() => folder.Watch(Path.GetFileName(file)), ReadAgain));
    }

    /// <summary>Whose key it is, or null. Every key is compared, so that the time tells nothing.</summary>
    public Caller? Find(string key)
    {
        Caller? found = null;
        foreach (ApiKey each in keys)
            if (each.Hash.Matches(key))
                found = each.Caller;
        return found;
    }

    public bool HasAny => keys.Length > 0;

    public void Dispose()
    {
        watches.ForEach(watch => watch.Dispose());
        folder?.Dispose();
    }

    /// <summary>Reads all of them again.</summary>
    public void ReadAgain()
    {
        var faults = new List<string>();
        ApiKey[] read = Read(configuration, file, faults);
        if (faults.Count > 0)
        {
            logger.KeysUnreadable(string.Join(" ", faults));
            return;
        }
        keys = read;
        logger.KeysRead(read.Length);
    }

    /// <summary>The keys of the configuration and of a file; what is wrong with them is added to the faults.</summary>
    public static ApiKey[] Read(IConfiguration configuration, string? file, List<string> faults)
    {
        List<ApiKey> read = ApiKey.Read(configuration.GetSection(ApiKey.Section), ApiKey.Section, faults);
        if (file is null)
            return [.. read];
        try
        {
            using var stream = new MemoryStream(File.ReadAllBytes(file));
            read.AddRange(ApiKey.Read(new ConfigurationBuilder().AddJsonStream(stream).Build(), file, faults));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or JsonException or InvalidDataException)
        {
            faults.Add($"Security:KeysFile is {file}, and cannot be read: {(Directory.Exists(file) ? "it is a folder" : e.GetBaseException().Message)}");
        }
        return [.. read];
    }
}
