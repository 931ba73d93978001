namespace FlowService.Errors;

internal static partial class Log
{
    [LoggerMessage(4001, LogLevel.Error, "The answer to {Path} failed")]
    public static partial void RequestFailed(this ILogger logger, string path, Exception exception);

    [LoggerMessage(4002, LogLevel.Debug, "{Path} was refused with {Status} {Type}")]
    public static partial void RequestRefused(this ILogger logger, string path, int status, string? type);
}
