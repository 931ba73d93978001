namespace FlowService.Shutdown;

internal static partial class Log
{
    [LoggerMessage(1003, LogLevel.Information, "Told to stop: not ready any more, answering for another {Seconds} s, then finishing what was accepted")]
    public static partial void Draining(this ILogger logger, double seconds);

    [LoggerMessage(1004, LogLevel.Warning, "Told to stop again: requests that are still running are cut off")]
    public static partial void CutShort(this ILogger logger);

    [LoggerMessage(1005, LogLevel.Warning, "Requests that are still running after {Seconds} s are cut off (Shutdown:TimeoutSeconds)")]
    public static partial void CutOff(this ILogger logger, double seconds);
}
