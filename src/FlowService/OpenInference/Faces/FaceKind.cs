using FlowService.Batching;

namespace FlowService.OpenInference.Faces;

/// <summary>A flow is three models to the protocol, for its clients choose what is computed by the model's name alone.</summary>
internal enum Face
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

    public static readonly Face[] All = [Face.Score, Face.Sample, Face.Decode];

    /// <summary>The name under which a flow's face is known.</summary>
    public static string NameOf(this Face face, string flow) => face switch
    {
        Face.Sample => flow + SampleSuffix,
        Face.Decode => flow + DecodeSuffix,
        _ => flow,
    };

    public static Operation Operation(this Face face) => face switch
    {
        Face.Sample => Batching.Operation.Sample,
        Face.Decode => Batching.Operation.Decode,
        _ => Batching.Operation.LogProb,
    };

    /// <summary>The flow and the face that a name means. A flow whose own name ends like a face comes first.</summary>
    public static (string Flow, Face Face) Named(string name, Func<string, bool> isFlow)
    {
        if (isFlow(name))
            return (name, Face.Score);
        if (name.EndsWith(SampleSuffix, StringComparison.Ordinal))
            return (name[..^SampleSuffix.Length], Face.Sample);
        return name.EndsWith(DecodeSuffix, StringComparison.Ordinal) ? (name[..^DecodeSuffix.Length], Face.Decode) : (name, Face.Score);
    }
}
