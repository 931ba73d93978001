using FlowService.Batching;

namespace FlowService.OpenInference.Faces;

/// <summary>A flow is three models to the protocol, for its clients choose what is computed by the model's name alone.</summary>
internal enum FaceKind
{
    /// <summary>NAME: x to log_prob, z and log_det.</summary>
    Score,

    /// <summary>NAME.sample: num_samples to samples, log_prob and log_q.</summary>
    Sample,

    /// <summary>NAME.decode: z to x and log_det.</summary>
    Decode,
}

internal static class FaceNames
{
    private const string SampleSuffix = ".sample", DecodeSuffix = ".decode";

    public static readonly FaceKind[] All = [FaceKind.Score, FaceKind.Sample, FaceKind.Decode];

    /// <summary>The name under which a flow's face is known.</summary>
    public static string NameOf(this FaceKind kind, string flow) => kind switch
    {
        FaceKind.Sample => flow + SampleSuffix,
        FaceKind.Decode => flow + DecodeSuffix,
        _ => flow,
    };

    public static Operation Operation(this FaceKind kind) => kind switch
    {
        FaceKind.Sample => Batching.Operation.Sample,
        FaceKind.Decode => Batching.Operation.Decode,
        _ => Batching.Operation.LogProb,
    };

    /// <summary>The flow and the face that a name means. A flow whose own name ends like a face comes first.</summary>
    public static (string Flow, FaceKind Kind) Named(string name, Func<string, bool> isFlow)
    {
        if (isFlow(name))
            return (name, FaceKind.Score);
        if (name.EndsWith(SampleSuffix, StringComparison.Ordinal))
            return (name[..^SampleSuffix.Length], FaceKind.Sample);
        return name.EndsWith(DecodeSuffix, StringComparison.Ordinal) ? (name[..^DecodeSuffix.Length], FaceKind.Decode) : (name, FaceKind.Score);
    }
}
