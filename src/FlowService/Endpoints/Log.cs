namespace FlowService.Endpoints;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "{Path}: the answer breaks off after {Rows} rows: {Reason}")]
    public static partial void AnswerBroken(this ILogger logger, PathString path, long rows, string reason);
}
