namespace FlowService.Security;

internal static partial class Log
{
    [LoggerMessage(6001, LogLevel.Information, "Keys are read: {Count}")]
    public static partial void KeysRead(this ILogger logger, int count);

    [LoggerMessage(6002, LogLevel.Error, "The keys have changed and cannot be read, those from before stay: {Faults}")]
    public static partial void KeysUnreadable(this ILogger logger, string faults);

    [LoggerMessage(6003, LogLevel.Information, "{Caller} calls {Path}")]
    public static partial void Administered(this ILogger logger, string caller, string path);
}
