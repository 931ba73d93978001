using static TorchSharp.torch;

namespace FlowCore.Training;

/// <summary>A copy of a flow's state: the best seen so far.</summary>
internal sealed class BestWeights(Flow flow) : IDisposable
{
    private readonly Tensor[] state = [.. flow.state_dict().Values];
    private readonly Tensor[] copy = [.. flow.state_dict().Values.Select(tensor => tensor.detach().clone().DetachFromDisposeScope())];

    public void Keep() => Copy(state, copy);

    public void Restore() => Copy(copy, state);

    public void Dispose()
    {
        foreach (Tensor tensor in copy)
            tensor.Dispose();
    }

    private static void Copy(Tensor[] from, Tensor[] to)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        for (int i = 0; i < from.Length; i++)
            to[i].copy_(from[i]);
    }
}
