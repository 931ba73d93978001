namespace FlowService.Security;

/// <summary>The section <c>Admin</c>: who may load and unload models.</summary>
internal sealed class AdminOptions
{
    public const string Section = "Admin";

    /// <summary>The key that administrators send as <c>Authorization: Bearer KEY</c>. Without one only calls from this machine are taken.</summary>
    public string? Key { get; set; }
}
