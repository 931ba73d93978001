using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>
/// Takes the kept and the transformed features of a row apart and puts them together again. Runs of neighbours are views;
/// other masks gather columns.
/// </summary>
internal sealed class CouplingSplit : nn.Module
{
    private readonly long[] keptIndices;
    private readonly long[] transformedIndices;
    private readonly bool contiguous;

    public CouplingSplit(CouplingMask mask, int features) : base(nameof(CouplingSplit))
    {
        keptIndices = mask.Indices(features, transformed: false);
        transformedIndices = mask.Indices(features, transformed: true);
        contiguous = IsRun(keptIndices) && IsRun(transformedIndices);
        if (contiguous)
            return;
        // Where feature i stands in [kept | transformed].
        var position = new long[features];
        for (int i = 0; i < features; i++)
            position[i < keptIndices.Length ? keptIndices[i] : transformedIndices[i - keptIndices.Length]] = i;
        register_buffer("kept", tensor(keptIndices), persistent: false);
        register_buffer("transformed", tensor(transformedIndices), persistent: false);
        register_buffer("position", tensor(position), persistent: false);
    }

    public int Kept => keptIndices.Length;

    public int Transformed => transformedIndices.Length;

    public (Tensor Kept, Tensor Transformed) Apart(Tensor values) => contiguous
        ? (values.narrow(1, keptIndices[0], Kept), values.narrow(1, transformedIndices[0], Transformed))
        : (values.index_select(1, get_buffer("kept")!), values.index_select(1, get_buffer("transformed")!));

    public Tensor Together(Tensor kept, Tensor transformed)
    {
        if (contiguous)
            return keptIndices[0] == 0 ? cat([kept, transformed], 1) : cat([transformed, kept], 1);
        using Tensor joined = cat([kept, transformed], 1);
        return joined.index_select(1, get_buffer("position")!);
    }

    private static bool IsRun(long[] indices) => indices[^1] - indices[0] == indices.Length - 1;
}
