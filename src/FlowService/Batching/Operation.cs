namespace FlowService.Batching;

/// <summary>What a client asks of a model.</summary>
internal enum Operation
{
    LogProb,
    Encode,
    Sample,
    Decode,

    /// <summary>Of a request only: on the device it is a logprob.</summary>
    Score,

    /// <summary>Of a request only: on the device it is an encode and a decode.</summary>
    Interpolate,

    /// <summary>Of a request only: it is computed beside the queue.</summary>
    Layers,
}

/// <summary>The computation behind it: two kinds of batch for each model, not four, and a third for a model of sound.</summary>
internal enum Direction
{
    /// <summary>Data to latents: logprob and encode.</summary>
    Forward,

    /// <summary>Latents to data: sample and decode.</summary>
    Inverse,

    /// <summary>A block of sound, made or scored: a batch by itself.</summary>
    Sound,
}

internal static class Operations
{
    public static Direction Direction(this Operation operation) =>
        operation is Operation.LogProb or Operation.Encode ? Batching.Direction.Forward : Batching.Direction.Inverse;

    /// <summary>The name in paths and metrics.</summary>
    public static string Name(this Operation operation) => operation switch
    {
        Operation.LogProb => "logprob",
        Operation.Encode => "encode",
        Operation.Sample => "sample",
        Operation.Interpolate => "interpolate",
        Operation.Score => "score",
        Operation.Layers => "layers",
        _ => "decode",
    };

    /// <summary>The name in metrics.</summary>
    public static string Name(this Direction direction) => direction switch
    {
        Batching.Direction.Forward => "forward",
        Batching.Direction.Inverse => "inverse",
        _ => "sound",
    };
}
