namespace FlowService.Security;

/// <summary>The section <c>Admin</c>: who may load and unload models. Without a key, a socket, or a key of the section Keys with the scope admin, nobody.</summary>
internal sealed class AdminOptions
{
    public const string Section = "Admin";

    /// <summary>The key that administrators send as <c>Authorization: Bearer KEY</c>. It opens everything else too. Keys that are only kept as hashes stand in the section Keys.</summary>
    public string? Key { get; set; }

    /// <summary>The path of a Unix socket at which everybody is an administrator who may open it: the user of the service alone.</summary>
    public string? Socket { get; set; }
}
