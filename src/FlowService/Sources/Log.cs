namespace FlowService.Sources;

internal static partial class Log
{
    [LoggerMessage(8001, LogLevel.Information, "Source {Source}: brought {Model} version {Version} ({Files} files)")]
    public static partial void Brought(this ILogger logger, string source, string model, int version, int files);

    [LoggerMessage(8002, LogLevel.Error, "Source {Source}: {Reason}. It is tried again, and what is in the repository serves")]
    public static partial void NotPulled(this ILogger logger, string source, string reason, Exception? exception);

    [LoggerMessage(8003, LogLevel.Information, "Source {Source} answers again")]
    public static partial void Answers(this ILogger logger, string source);

    [LoggerMessage(8004, LogLevel.Warning, "Source {Source} has other files for {Path} than the repository, which is not written over: publish them under the next number")]
    public static partial void Kept(this ILogger logger, string source, string path);
}
