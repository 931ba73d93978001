using Microsoft.Extensions.Options;

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

internal sealed class AdminOptionsValidator : IValidateOptions<AdminOptions>
{
    public ValidateOptionsResult Validate(string? name, AdminOptions options)
    {
        if (string.IsNullOrEmpty(options.Socket))
            return ValidateOptionsResult.Success;
        if (Directory.Exists(options.Socket))
            return ValidateOptionsResult.Fail($"Admin:Socket is {options.Socket}, which is a folder: name a file in it.");
        return Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(options.Socket)))
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"Admin:Socket is {options.Socket}, and its folder does not exist: make it, or name another place.");
    }
}
