namespace FlowService.Models;

internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Information, "FlowService {Version} with libtorch {Torch} on {Device}, {Threads} threads to an operation")]
    public static partial void TorchLoaded(this ILogger logger, string version, string torch, string device, int threads);

    [LoggerMessage(2001, LogLevel.Information,
        "Model {Model} version {Version} is ready on {Engine}/{Device}: round trip within {RoundTrip:g3}, log p within {LogProb:g3} nats of float64")]
    public static partial void ModelReady(
        this ILogger logger, string model, int version, string engine, string device, double roundTrip, double logProb);

    [LoggerMessage(2002, LogLevel.Error, "Model {Model} version {Version} was refused: {Reason}")]
    public static partial void ModelRefused(this ILogger logger, string model, int version, string reason, Exception? exception);

    [LoggerMessage(2003, LogLevel.Warning,
        "No model in {Path}: the service is not ready unless Models:AllowEmpty is true. Train one with "
        + "`flow train --input FILE.csv --out {Path}/NAME/1`, or point Models:Repository at a folder with NAME/VERSION/flow.json")]
    public static partial void NoModels(this ILogger logger, string path);

    [LoggerMessage(2005, LogLevel.Information, "Model {Model} version {Version} makes room for another; the next request for it loads it again")]
    public static partial void ModelEvicted(this ILogger logger, string model, int version);

    [LoggerMessage(2006, LogLevel.Error,
        "The repository {Path} could not be looked at; it is tried again, and what is loaded goes on serving")]
    public static partial void RepositoryNotLookedAt(this ILogger logger, string path, Exception exception);

    [LoggerMessage(2007, LogLevel.Information, "All that was accepted is answered, and the models are unloaded")]
    public static partial void AllDone(this ILogger logger);

    [LoggerMessage(2008, LogLevel.Warning, "{Path}: {Reason}")]
    public static partial void RepositoryNoted(this ILogger logger, string path, string reason);

    [LoggerMessage(2009, LogLevel.Error,
        "Model {Model} could not be looked at: {Reason}; it is tried again, and the others are loaded meanwhile")]
    public static partial void ModelNotLookedAt(this ILogger logger, string model, string reason, Exception exception);
}
